//! What is loaded on a row? A tree of relation paths, interned.

use rustc_hash::FxHashMap;

use crate::base::Name;

/// An interned loading tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Tree(pub u32);

/// Nothing is loaded, and that is known.
pub const NOTHING: Tree = Tree(0);
/// Nothing is known.
pub const OPEN: Tree = Tree(1);

/// Something else was put in the place of the relation: neither its rows nor a query come of reading it.
pub const HIDDEN: Tree = Tree(2);

/// What is known of one relation of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Loaded; its rows have this much loaded themselves.
    Loaded(Tree),
    /// Not loaded: reading it sends a query.
    Missing,
    /// Loaded on some of the ways that lead here, not on others.
    Maybe,
    /// Not known: silent.
    Unknown,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Node {
    /// Loaded relations, sorted. `None`: loaded on some ways only.
    children: Vec<(Name, Option<Tree>)>,
    /// Relations that are not listed may be loaded or not.
    open: bool,
    /// Only these columns are loaded, sorted; the others are read one by one.
    columns: Option<Vec<Name>>,
}

/// The table of trees.
#[derive(Debug)]
pub struct Trees {
    nodes: Vec<Node>,
    ids: FxHashMap<Node, Tree>,
}

impl Default for Trees {
    fn default() -> Self {
        let mut trees = Trees { nodes: Vec::new(), ids: FxHashMap::default() };
        trees.of(Node::default());
        trees.of(Node { open: true, ..Node::default() });
        trees.of(Node { open: true, columns: Some(Vec::new()), ..Node::default() });
        trees
    }
}

impl Trees {
    fn of(&mut self, node: Node) -> Tree {
        if let Some(id) = self.ids.get(&node) {
            return *id;
        }
        let id = Tree(self.nodes.len() as u32);
        self.nodes.push(node.clone());
        self.ids.insert(node, id);
        id
    }

    fn node(&self, tree: Tree) -> &Node {
        &self.nodes[tree.0 as usize]
    }

    /// What is known of a relation.
    pub fn state(&self, tree: Tree, relation: Name) -> State {
        let node = self.node(tree);
        match node.children.iter().find(|(n, _)| *n == relation) {
            Some((_, Some(child))) if *child == HIDDEN => State::Unknown,
            Some((_, Some(child))) => State::Loaded(*child),
            Some((_, None)) if node.open => State::Unknown,
            Some((_, None)) => State::Maybe,
            None if node.open => State::Unknown,
            None => State::Missing,
        }
    }

    /// Does something else stand in the place of a relation?
    pub fn is_hidden(&self, tree: Tree, relation: Name) -> bool {
        self.node(tree).children.iter().any(|(n, child)| *n == relation && *child == Some(HIDDEN))
    }

    /// The relations that are known to be loaded, by name.
    pub fn loaded(&self, tree: Tree) -> impl Iterator<Item = (Name, Tree)> {
        self.node(tree).children.iter().filter_map(|(name, child)| Some((*name, (*child).filter(|c| *c != HIDDEN)?)))
    }

    /// May a column have been left out of the query?
    pub fn is_column_missing(&self, tree: Tree, column: Name) -> bool {
        self.node(tree).columns.as_ref().is_some_and(|c| c.binary_search(&column).is_err())
    }

    /// The tree with only these columns of its own row loaded; `None` for all of them again.
    pub fn with_columns(&mut self, tree: Tree, columns: Option<Vec<Name>>) -> Tree {
        let mut node = self.node(tree).clone();
        node.columns = columns.map(|mut c| {
            c.sort();
            c.dedup();
            c
        });
        self.of(node)
    }

    /// The tree with one relation loaded, its rows having `child` loaded.
    pub fn with(&mut self, tree: Tree, relation: Name, child: Tree) -> Tree {
        let mut node = self.node(tree).clone();
        match node.children.binary_search_by(|(n, _)| n.cmp(&relation)) {
            Ok(i) => {
                node.children[i].1 = Some(match node.children[i].1 {
                    Some(old) => self.union(old, child),
                    None => child,
                });
            }
            Err(i) => node.children.insert(i, (relation, Some(child))),
        }
        self.of(node)
    }

    /// The tree with a path of relations loaded.
    pub fn with_path(&mut self, tree: Tree, path: &[Name], last: Tree) -> Tree {
        match path {
            [] => self.union(tree, last),
            [first, rest @ ..] => {
                let child = match self.state(tree, *first) {
                    State::Loaded(child) => child,
                    _ => NOTHING,
                };
                let child = self.with_path(child, rest, last);
                self.with(tree, *first, child)
            }
        }
    }

    /// The tree of which nothing more is known than what it lists.
    pub fn opened(&mut self, tree: Tree) -> Tree {
        let mut node = self.node(tree).clone();
        node.open = true;
        self.of(node)
    }

    /// The tree without a relation.
    pub fn without(&mut self, tree: Tree, relation: Name) -> Tree {
        let mut node = self.node(tree).clone();
        node.children.retain(|(n, _)| *n != relation);
        self.of(node)
    }

    /// Everything that either has loaded.
    pub fn union(&mut self, a: Tree, b: Tree) -> Tree {
        if a == b || b == NOTHING {
            return a;
        }
        if a == NOTHING {
            return b;
        }
        if a == HIDDEN || b == HIDDEN {
            return HIDDEN;
        }
        let (x, y) = (self.node(a).clone(), self.node(b).clone());
        let mut node = x;
        node.open |= y.open;
        if y.columns.is_some() {
            node.columns = y.columns;
        }
        for (name, child) in y.children {
            match node.children.binary_search_by(|(n, _)| n.cmp(&name)) {
                Ok(i) => {
                    node.children[i].1 = match (node.children[i].1, child) {
                        (Some(p), Some(q)) => Some(self.union(p, q)),
                        (p, q) => p.or(q),
                    };
                }
                Err(i) => node.children.insert(i, (name, child)),
            }
        }
        self.of(node)
    }

    /// What is loaded after two ways meet: loaded on both is loaded, on one only is unknown.
    pub fn meet(&mut self, a: Tree, b: Tree) -> Tree {
        if a == b {
            return a;
        }
        if a == HIDDEN || b == HIDDEN {
            return OPEN;
        }
        let (x, y) = (self.node(a).clone(), self.node(b).clone());
        let mut node = Node { open: x.open || y.open, children: Vec::new(), columns: None };
        if x.columns == y.columns {
            node.columns = x.columns.clone();
        }
        let mut names: Vec<Name> = x.children.iter().chain(&y.children).map(|(n, _)| *n).collect();
        names.sort();
        names.dedup();
        for name in names {
            let p = x.children.iter().find(|(n, _)| *n == name).map(|(_, t)| *t);
            let q = y.children.iter().find(|(n, _)| *n == name).map(|(_, t)| *t);
            let both = match (p, q) {
                (Some(Some(p)), Some(Some(q))) => Some(self.meet(p, q)),
                _ => None,
            };
            node.children.push((name, both));
        }
        self.of(node)
    }

    /// The tree as text: `author{team}, tags`.
    pub fn print(&self, tree: Tree) -> String {
        let node = self.node(tree);
        let mut parts: Vec<String> = node
            .children
            .iter()
            .map(|(n, c)| match c {
                Some(c) if *c == NOTHING => n.to_string(),
                Some(c) => format!("{n}{{{}}}", self.print(*c)),
                None => format!("{n}?"),
            })
            .collect();
        if node.open {
            parts.push("…".to_owned());
        }
        parts.join(", ")
    }
}

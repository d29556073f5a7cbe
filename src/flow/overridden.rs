//! What does a block of a child template read where the parent repeats it: `{% for row in rows %}{% block row %}{% endblock %}`?

use std::rc::Rc;

use super::value::{UNKNOWN, Val};
use super::{Engine, Frame, Key, MAX_CALL_DEPTH};
use crate::base::{FileId, Name, Range};
use crate::facts::{Expr, FnId, RenderKind, Stmt};
use crate::index::FnRef;

/// Parents of parents are looked at so far.
const MAX_PARENTS: usize = 8;

impl<'a> Engine<'a> {
    /// A block that a child replaces stands here: in a loop, the child's block runs once per turn, with what the variables hold.
    pub(super) fn replaced_block(&mut self, fr: &mut Frame<'a>, name: Name, range: Range) {
        if fr.turning == 0 {
            return;
        }
        let ix = self.ix;
        let block_of = |file: FileId| {
            let body = &ix.function(FnRef { file, id: FnId(0) }).body;
            body.stmts.iter().find_map(|s| match s {
                Stmt::TemplateBlock { name: own, body } if *own == name => Some(body.as_slice()),
                _ => None,
            })
        };
        let Some((file, block)) = fr.children.iter().find_map(|file| Some((*file, block_of(*file)?))) else { return };
        let f = FnRef { file, id: FnId(0) };
        let here = fr.body.slots.iter().copied().zip(fr.locals.iter().copied());
        let known: Vec<(Name, Val)> = here.chain(fr.passed.iter().copied()).filter(|(_, v)| *v != UNKNOWN).collect();
        let value = |slot: &Name| known.iter().find(|(n, _)| n == slot).map_or(UNKNOWN, |(_, v)| *v);
        let args: Box<[Val]> = ix.function(f).body.slots.iter().map(value).collect();
        let this = self.v.str(name);
        let key = Key { f, this, args: args.clone() };
        let summary = match self.memo.get(&key) {
            Some(known) => known.clone(),
            None if self.running.contains(&key) || self.depth >= MAX_CALL_DEPTH || self.fuel == 0 => return,
            None => {
                self.running.insert(key.clone());
                self.depth += 1;
                let mut inner = self.frame(f, UNKNOWN);
                inner.locals = args.to_vec();
                for val in &inner.locals {
                    self.v.roots_in(*val, 5, &mut inner.given);
                }
                self.block(&mut inner, block);
                let finished = Rc::new(self.finish(inner));
                self.depth -= 1;
                self.running.remove(&key);
                self.memo.insert(key, finished.clone());
                finished
            }
        };
        self.absorb(fr, &summary, range);
    }

    /// Does a template hold a block in a loop, or extend one that does? Only then does it matter which child it is rendered for.
    pub(super) fn repeats_blocks(&mut self, file: FileId) -> bool {
        self.repeats(file, MAX_PARENTS)
    }

    fn repeats(&mut self, file: FileId, parents: usize) -> bool {
        if let Some(known) = self.repeating.get(&file) {
            return *known;
        }
        let body = &self.ix.function(FnRef { file, id: FnId(0) }).body;
        let blocks = || body.stmts.iter().zip(&body.stmt_ranges).filter(|(s, _)| matches!(s, Stmt::TemplateBlock { .. }));
        let mut found = body.loops().any(|(_, whole)| blocks().any(|(_, at)| whole.contains(*at)));
        if !found && parents > 0 {
            let parent_names: Vec<Name> = body
                .exprs
                .iter()
                .filter_map(|e| match e {
                    Expr::Render(render) if render.kind == RenderKind::Extends => match body.expr(render.template) {
                        Expr::Str(name) => Some(*name),
                        _ => None,
                    },
                    _ => None,
                })
                .collect();
            for name in parent_names {
                for parent in self.template_files(name).into_iter().take(2) {
                    found |= parent != file && self.repeats(parent, parents - 1);
                }
            }
        }
        self.repeating.insert(file, found);
        found
    }
}

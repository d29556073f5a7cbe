//! How does the catalogue of clients read as a page? `rules/CLIENTS.md`, made from the packs.

use super::Packs;

const HEAD: &str = "\
# Clients and calls that block

This page is made from `rules/packs/clients-*.toml`. A client listed here is a fault where it is built for every request, message
or turn of a loop (`client-per-request`); a call listed here is a fault where a coroutine reaches it (`blocking-call-in-async`).

## Adding your own

Name a file in the configuration, `packs = [\"ormlint/own.toml\"]`, and write into it:

```toml
[pack]
id = \"own\"
language = \"python\"

[[client]]
names = [\"acme.connect\", \"acme.Client\"]
what = \"an Acme client\"
why = \"each signs in over the network\"
cure = \"build it once per process\"
gives = \"acme.Client\"

[[blocking]]
names = [\"acme.Client.*\"]
what = \"the network\"
instead = \"`acme.aio.Client`\"
```

`names` are full names: dotted in Python, `Vendor\\\\Name` in PHP (`Vendor\\\\Name.create` for a static method). `gives` is the class of
what a function makes. `shared` names arguments that hand in shared connections and make the object cheap. With
`loops_only = true` only loops are faults; `per_call = true` says that the arguments are those of one call, not of the client that
it builds; `minor = true` makes it a note; `below = \"acme 3\"` that only versions of the package before that one cost. `in_process` names constructors and texts that, among
the arguments, say that nothing is connected to; `view = true` says that what is made is only a view on something that the library
keeps and shares, so that making it is no fault at all. A name of a call may end in `*`; `except` leaves names out of it;
`unless` names texts of a call with which it does not wait (`block=False`);
`short = true` makes a call that waits shortly a note, and only where a coroutine makes it itself.
";

/// The page, in Markdown.
pub fn page(packs: &Packs) -> String {
    let mut out = HEAD.to_owned();
    for (title, language) in [("Clients in Python", "python"), ("Clients in PHP", "php")] {
        out.push_str(&format!("\n## {title}\n\n| what | constructors | why | cure |\n| --- | --- | --- | --- |\n"));
        for (of, entry) in packs.client_entries() {
            if of.as_str() != language || entry.view {
                continue;
            }
            let loops = if entry.loops_only { " (in loops)" } else { "" };
            let below = entry.below.as_ref().map_or(String::new(), |b| format!(" (below {b})"));
            out.push_str(&format!(
                "| {}{loops}{below} | {} | {} | {} |\n",
                entry.what,
                names(&entry.names),
                entry.why,
                entry.cure
            ));
        }
    }
    out.push_str("\n## Not faults\n\nWhat these make is a view on something that the library itself keeps and shares.\n\n");
    out.push_str("| what | constructors | why |\n| --- | --- | --- |\n");
    for (_, entry) in packs.client_entries().iter().filter(|(_, entry)| entry.view) {
        out.push_str(&format!("| {} | {} | {} |\n", entry.what, names(&entry.names), entry.why));
    }
    out.push_str("\n## Calls that block\n\n| waits for | calls | instead |\n| --- | --- | --- |\n");
    for entry in packs.blocking_entries() {
        out.push_str(&format!("| {} | {} | {} |\n", entry.what, names(&entry.names), entry.instead));
    }
    out
}

fn names(all: &[String]) -> String {
    all.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ORMLINT_BLESS=1` writes the page anew.
    #[test]
    fn the_page_of_clients_says_what_the_packs_say() {
        let packs = match Packs::builtin() {
            Ok(packs) => packs,
            Err(error) => panic!("{error}"),
        };
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/CLIENTS.md");
        let text = page(packs);
        if std::env::var_os("ORMLINT_BLESS").is_some() {
            std::fs::write(path, &text).expect("the page can be written");
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == text, "rules/CLIENTS.md is old: run with ORMLINT_BLESS=1");
    }
}

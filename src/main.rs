//! Arguments in, exit status out.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// Facts and values are many small allocations from several threads at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ormlint::pipeline::quiet_fence();
    let mut out = BufWriter::new(std::io::stdout().lock());
    // Not locked: the line of progress and panics write there from other threads and would wait for ever.
    let status = ormlint::cli::run(std::env::args_os(), &mut out, &mut std::io::stderr());
    // A reader that has gone away is no fault of ours.
    let _ = out.flush();
    ExitCode::from(status)
}

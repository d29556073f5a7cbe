//! How long does a whole run over a folder take, against the time that the parser alone needs for the same files?
//!
//! `cargo run --release --example ratio -- FOLDER [THREADS]`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ormlint::config::{Config, Overrides, Settings};
use ormlint::facts::Language;
use ormlint::packs::Packs;
use ormlint::source::{DiscoverOptions, discover};
use ormlint::{flow, index, lower, pipeline};
use rayon::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RUNS: usize = 5;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[allow(clippy::print_stdout)]
fn main() {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().unwrap_or_else(|| ".".to_owned()));
    let threads = args.next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let options = DiscoverOptions::default();
    let settings = Settings::new(&Config::default(), &Overrides::default()).expect("the defaults are valid");
    let pool = pipeline::pool(threads);
    pool.install(|| {
        let sources = discover(std::slice::from_ref(&folder), &options);
        let parse = || {
            sources.files.par_iter().for_each(|file| match file.language {
                Language::Php => drop(ormlint::syntax::php::parse(&file.text)),
                Language::Python => drop(ormlint::syntax::python::parse(&file.text)),
                Language::Blade | Language::DjangoTemplate | Language::Jinja => (),
            });
        };
        let time = |work: &dyn Fn()| {
            let start = Instant::now();
            work();
            start.elapsed()
        };
        parse();
        let parsing = median((0..RUNS).map(|_| time(&parse)).collect());
        let whole = median(
            (0..RUNS)
                .map(|_| time(&|| drop(pipeline::check(&discover(std::slice::from_ref(&folder), &options), &settings))))
                .collect(),
        );
        let start = Instant::now();
        let sources = discover(std::slice::from_ref(&folder), &options);
        let discovered = start.elapsed();
        let start = Instant::now();
        let facts: Vec<_> = sources.files.par_iter().map(|file| lower::lower(file.language, &file.text)).collect();
        let lowered = start.elapsed();
        let packs = Packs::builtin().expect("the packs of the tool are valid");
        let start = Instant::now();
        let index = index::link(&sources, &facts, packs);
        let linked = start.elapsed();
        let start = Instant::now();
        let flow = flow::analyze(&index);
        let followed = start.elapsed();
        let events = flow.events.len();
        let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = memory.lines().find_map(|l| l.strip_prefix("VmHWM:")).map_or("unknown", str::trim);
        println!(
            "{}: {} files; parsing alone {:.2} s, whole run {:.2} s, ratio {:.2}; peak memory {peak}",
            folder.display(),
            sources.files.len(),
            parsing.as_secs_f64(),
            whole.as_secs_f64(),
            whole.as_secs_f64() / parsing.as_secs_f64().max(1e-9),
        );
        println!(
            "discover {:.0} ms, parse and lower {:.0} ms, link {:.0} ms, flow {:.0} ms ({events} events)",
            discovered.as_secs_f64() * 1e3,
            lowered.as_secs_f64() * 1e3,
            linked.as_secs_f64() * 1e3,
            followed.as_secs_f64() * 1e3,
        );
    });
}

//! The tokio layer on a network and a clock that a seed decides (turmoil): one process a seed, since
//! a process that has run one may run the next in another way.
//!
//! `FLUXAR_TURMOIL_SEEDS=n` says how many (40 when absent), `FLUXAR_TURMOIL_SEED=n` replays one:
//! `FLUXAR_TURMOIL_SEED=5 cargo test -p fluxar-tests --test turmoil one_seed -- --nocapture`.

mod net;
mod world;

use std::process::{Child, Command, Stdio};

const SEED: &str = "FLUXAR_TURMOIL_SEED";
const SEEDS: &str = "FLUXAR_TURMOIL_SEEDS";
/// Seeds whose runs are compared with a second one.
const COMPARED: u64 = 2;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// `[L4.resume.7]`, `[L4.beat.2]`: what is open goes on, each item once and in order, over a path
/// that is cut, held and slowed down. What it says is for the test below.
#[test]
fn one_seed() {
    let seed = number(SEED).unwrap_or(0);
    eprintln!("replay this run with {SEED}={seed}");
    let world::Report { resumes, trace } = world::run(seed);
    eprintln!("report {resumes} {trace:016x}");
}

#[test]
fn seeds_in_processes_of_their_own() {
    if number(SEED).is_some() {
        return;
    }
    let seeds = number(SEEDS).unwrap_or(40);
    let mut reports = Vec::new();
    let mut running: Vec<(u64, Child)> = Vec::new();
    let again = 0..COMPARED.min(seeds);
    for seed in (0..seeds).chain(again) {
        if running.len() > 1 {
            let (seed, child) = running.remove(0);
            reports.push((seed, report(seed, child)));
        }
        running.push((seed, start(seed)));
    }
    reports.extend(running.into_iter().map(|(seed, child)| (seed, report(seed, child))));
    for compared in 0..COMPARED.min(seeds) {
        let runs: Vec<_> = reports.iter().filter(|(seed, _)| *seed == compared).collect();
        assert!(runs.len() == 2 && runs[0] == runs[1], "one seed is one run: {runs:?}");
    }
    let resumes: u64 = reports.iter().map(|(_, report)| report.0).sum();
    assert!(resumes >= seeds, "links that are not lost show nothing: {reports:?}");
}

fn start(seed: u64) -> Child {
    let this = std::env::current_exe().expect("a program");
    let mut command = Command::new(this);
    command.args(["one_seed", "--exact", "--nocapture"]).env(SEED, seed.to_string());
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// How often the session was resumed, and the trace.
fn report(seed: u64, child: Child) -> (u64, String) {
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "seed {seed}:\n{said}");
    let line = said.lines().find_map(|line| line.strip_prefix("report ")).expect("a report");
    let (resumes, trace) = line.split_once(' ').expect("two words");
    (resumes.parse().expect("a number"), trace.to_owned())
}

//! Two engines, two applications that do anything at any time, and a link that cuts the bytes
//! anywhere and stalls when it likes: one seed is one run, and what both applications saw must
//! agree with each other and with the specification.
//!
//! `FLUXAR_SEED=n` replays one seed and tells what happens; `FLUXAR_SEEDS=n` sets how many are run.

mod finish;
mod hear;
mod ledger;
mod link;
mod ops;
mod relink;
mod rng;
mod wire;
mod world;

use world::{ROUNDS_MAX, World};

/// Seeds of a plain `cargo test`.
const SEEDS: u64 = 2_000;

/// Says which seed failed, whatever failed in it.
struct Failing(u64);

impl Drop for Failing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay this run with FLUXAR_SEED={}", self.0);
        }
    }
}

/// One run.
fn run(seed: u64, trace: bool) -> World {
    let failing = Failing(seed);
    let mut world = World::new(seed, trace);
    if world.rng.chance(4) {
        // Something happens before both are ready.
        let rounds = world.rng.range(0, 40) as u32;
        world.connect(rounds);
        world.break_off();
    } else {
        world.connect(ROUNDS_MAX);
        world.live();
        world.finish();
    }
    drop(failing);
    world
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Every rule about what both sides must agree on, over links that die (`[L4.resume.7]`,
/// `[L4.fence.1]`, `[L4.replay.1]`, `[L4.lost.1]`) and links that do not: `[L5.call.1]`, `[L5.stream.1]`,
/// `[L5.stream.2]`, `[L5.topic.2]`, `[L4.limits.1]`, `[L4.bye.4]`, `[L4.lost.1]`.
#[test]
fn both_sides_agree() {
    if let Some(seed) = number("FLUXAR_SEED") {
        run(seed, true);
        return;
    }
    for seed in 0..number("FLUXAR_SEEDS").unwrap_or(SEEDS) {
        run(seed, false);
    }
}

/// The same inputs give the same outputs, byte for byte.
#[test]
fn a_seed_is_one_run() {
    // Of every byte that was sent.
    let hash = |world: World| world.sniffers.map(|sniffer| sniffer.hash);
    for seed in 0..40 {
        assert_eq!(hash(run(seed, false)), hash(run(seed, false)), "seed {seed}");
    }
}

/// A simulator whose links do not really die shows nothing.
#[test]
fn links_die_and_messages_are_sent_again() {
    let (mut cuts, mut again) = (0, 0);
    for seed in 0..100 {
        let world = run(seed, false);
        cuts += world.relink.cuts;
        again += world.sniffers.iter().map(|sniffer| sniffer.again).sum::<u64>();
    }
    assert!(cuts > 100 && again > 300, "{cuts} cuts, {again} messages again");
}

//! Rows 8 and 9: openings taken back, and answers provoked.

use crate::memory::{self, KIB, MIB};
use crate::victim::{Handlers, Victim};
use crate::wire::{self, CALL, Message, STREAM, cancel, end, open, pair, uint};
use fluxar::engine::session::auth::Rights;
use fluxar::{Code, Limits};
use std::time::Duration;

/// Odd ids from 3: the attacker's HELLO was 1.
fn ids(count: u64) -> impl Iterator<Item = u64> {
    (1..=count).map(|n| n * 2 + 1)
}

/// What the flood of 200,000 may cost while it lasts: tables, a batch, what the test keeps.
const FLOOD_BYTES: usize = 4 * MIB;

#[test]
fn row_08_calls_taken_back_at_once_end_in_calm() {
    let mut watch = memory::alone();
    for handlers in [Handlers::Yield, Handlers::Stuck] {
        let mut victim = Victim::ready().handlers(handlers);
        watch.restart();
        let mut sent = 0;
        for id in ids(200_000) {
            victim.feed(&[wire::call(id, "a.b"), cancel(id)].concat());
            sent += 1;
            if victim.closed.is_some() {
                break;
            }
        }
        let limits = Limits::default();
        assert!(victim.live_most <= limits.calls_max as usize, "{} tasks", victim.live_most);
        assert!(sent <= limits.budget_burst as usize + 1, "{sent} pairs before the goodbye");
        assert!(watch.peak() <= FLOOD_BYTES, "{} bytes", watch.peak());
        victim.assert_closed_by(Code::ResourceExhausted, "L4.calm.1");
    }
}

#[test]
fn row_08_streams_taken_back_at_once_end_in_calm() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready();
    watch.restart();
    for id in ids(200_000) {
        let opening = open(id).meta(&[end()]).frame();
        victim.feed(&[opening, cancel(id)].concat());
        if victim.closed.is_some() {
            break;
        }
    }
    assert!(victim.live_most <= Limits::default().streams_max as usize);
    assert!(watch.peak() <= FLOOD_BYTES, "{} bytes", watch.peak());
    victim.assert_closed_by(Code::ResourceExhausted, "L4.calm.1");
}

#[test]
fn row_08_subscriptions_taken_back_at_once_end_in_calm() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready();
    watch.restart();
    for id in ids(200_000) {
        victim.feed(&[wire::subscribe(id, ">", 1), cancel(id)].concat());
        if victim.closed.is_some() {
            break;
        }
    }
    assert!(watch.peak() <= FLOOD_BYTES, "{} bytes", watch.peak());
    victim.assert_closed_by(Code::ResourceExhausted, "L4.calm.1");
}

#[test]
fn row_08_a_handler_that_does_not_end_keeps_its_place() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready().handlers(Handlers::Stuck);
    let max = Limits::default().calls_max as usize;
    watch.restart();
    for id in ids(max as u64) {
        victim.feed(&[wire::call(id, "a.b"), cancel(id)].concat());
    }
    assert_eq!(victim.live.len(), max);
    // Every place is taken by a task that was cancelled and lives: nothing more is admitted.
    victim.read.clear();
    for id in ids(max as u64 + 10).skip(max) {
        victim.feed(&wire::call(id, "a.b"));
    }
    assert_eq!(victim.live_most, max);
    assert!(victim.closed.is_none());
    assert_eq!(victim.messages().len(), 10, "each was answered");
    assert!(watch.peak() <= FLOOD_BYTES, "{} bytes", watch.peak());
}

#[test]
fn row_08_openings_that_our_own_timer_takes_back_keep_the_limit() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready();
    watch.restart();
    // Each costs us what a call costs that completes, and no more are alive at once.
    for (count, id) in ids(50_000).enumerate() {
        let brief = Message::new(CALL).id(id).target("a.b").meta(&[pair(1, uint(1))]).frame();
        victim.feed(&brief);
        if count % 900 == 0 {
            victim.pass(Duration::from_millis(1));
            assert!(victim.live.is_empty(), "{} tasks outlive their deadline", victim.live.len());
        }
        victim.read.clear();
    }
    assert!(victim.closed.is_none(), "{:?}", victim.goodbye());
    assert!(victim.live_most <= 900, "{} tasks", victim.live_most);
    assert!(watch.peak() <= FLOOD_BYTES, "{} bytes", watch.peak());
}

#[test]
fn row_08_refused_streams_that_never_end_are_bounded() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready();
    watch.restart();
    // One good call pays for each refused opening; the opener never ends its own direction.
    let mut id = 1;
    for _ in 0..200_000 {
        id += 4;
        let refused = Message::new(STREAM).id(id).target("no such target").frame();
        victim.feed(&[wire::call(id - 2, "a.b"), refused].concat());
        victim.answer_all(b"");
        victim.read.clear();
        if victim.closed.is_some() {
            break;
        }
    }
    assert!(watch.peak() <= 8 * MIB, "{} bytes, {} open", watch.peak(), victim.engine.open_items());
    let most = 4 * Limits::default().streams_max as usize;
    assert!(victim.engine.open_items() <= most, "{} open", victim.engine.open_items());
}

/// Everything that the engine answers by itself, each cheap for the sender.
fn provocations(id: u64) -> Vec<(&'static str, Vec<u8>)> {
    let call = || Message::new(CALL).id(id);
    vec![
        ("no right", call().target("secret.read").frame()),
        ("no such form of target", call().target("a..b").frame()),
        ("a reserved key", call().target("a.b").meta(&[pair(9, wire::text("node"))]).frame()),
        ("too many hops", call().target("a.b").meta(&[pair(11, uint(65))]).frame()),
        ("no time left", call().target("a.b").meta(&[pair(1, uint(0))]).frame()),
        ("a stream without a right", open(id).target("secret.read").meta(&[end()]).frame()),
        ("a pattern without a right", wire::subscribe(id, "secret.>", 1)),
        ("a malformed pattern", wire::subscribe(id, "a.>.b", 1)),
        ("a notification without a right", Message::new(CALL).target("secret.read").frame()),
        (
            "an answer to nothing",
            Message::new(CALL).reference(id + 100_000_000).payload(b"").frame(),
        ),
        ("a pong for nothing", Message::new(wire::ACK).reference(1).frame()),
        ("a grant for nothing", wire::grant(1, 5)),
    ]
}

#[test]
fn row_09_provoked_errors_are_charged_and_never_pile_up() {
    let mut watch = memory::alone();
    for number in 0..provocations(3).len() {
        let rights = Rights::none().call("a.*").subscribe("a.>").publish("a.>");
        let mut victim = Victim::with(Limits::default(), Limits::default(), rights).stalled();
        let what = provocations(3)[number].0;
        watch.restart();
        let mut sent = 0_u32;
        for id in ids(100_000) {
            victim.feed(&provocations(id)[number].1);
            sent += 1;
            let bound = Limits::default().budget_burst as usize * 256;
            assert!(victim.engine.outbox_bytes() <= bound, "{what}");
            if victim.closed.is_some() {
                break;
            }
        }
        assert!(sent <= Limits::default().budget_burst + 1, "{what}: {sent} before the goodbye");
        assert!(watch.peak() <= FLOOD_BYTES, "{what}: {} bytes", watch.peak());
        let (code, text) = victim.goodbye().expect("the attacker is told");
        let rule = if what == "an answer to nothing" { "[L3.ref.2]" } else { "[L4.calm.1]" };
        assert!(text.starts_with(rule), "{what}: {text}");
        let unknown = what == "an answer to nothing";
        let expected = if unknown { Code::InvalidArgument } else { Code::ResourceExhausted };
        assert_eq!(code, expected, "{what}");
        assert_eq!(victim.live_most, 0, "{what}: no handler saw any of it");
    }
}

#[test]
fn row_09_a_frame_that_breaks_a_rule_is_the_last() {
    let _watch = memory::alone();
    let mut victim = Victim::ready();
    let broken = wire::frame(0x80, b"x");
    let after = wire::call(3, "a.b");
    victim.feed(&[broken, after].concat());
    victim.assert_closed_by(Code::InvalidArgument, "L1.flags.1");
    assert_eq!(victim.live_most, 0);
    let told = victim.read.len();
    victim.feed(&wire::call(5, "a.b").repeat(1000));
    assert_eq!((victim.read.len(), victim.live_most), (told, 0), "silence after the goodbye");
    assert!(told <= KIB);
}

#[test]
fn row_08_calm_spares_a_session_that_works() {
    let _watch = memory::alone();
    let mut victim = Victim::ready();
    // A caller that gives up on every other call stays within the budget: it completes the rest.
    let mut id = 1;
    for _ in 0..20_000 {
        id += 4;
        victim.feed(&wire::call(id - 2, "a.b"));
        victim.answer_all(b"");
        victim.feed(&[wire::call(id, "a.b"), cancel(id)].concat());
        victim.read.clear();
    }
    assert!(victim.closed.is_none(), "{:?}", victim.goodbye());
}

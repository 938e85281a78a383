//! Row 16: signs of life, too many or false.

use crate::memory::{self, KIB, MIB};
use crate::victim::Victim;
use crate::wire::{self, ACK, CANCEL, Message, ping};
use fluxar::{Code, Limits};
use std::time::Duration;

#[test]
fn row_16_a_flood_of_pings_ends_in_calm_and_answers_coalesce() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready().stalled();
    watch.restart();
    for id in (3..20_003).step_by(2) {
        victim.feed(&ping(id));
        assert_eq!(victim.engine.outbox_bytes(), 0, "no answer waits in a queue");
        if victim.closed.is_some() {
            break;
        }
    }
    assert!(watch.peak() <= 64 * KIB, "{} bytes", watch.peak());
    victim.assert_closed_by(Code::ResourceExhausted, "L4.calm.1");
    // Below the budget: one answer, to the newest.
    let mut victim = Victim::ready();
    let pings: Vec<u8> = (3..203).step_by(2).flat_map(ping).collect();
    victim.read.clear();
    victim.feed(&pings);
    assert_eq!(victim.read, Message::new(ACK).reference(201).frame());
}

#[test]
fn row_16_heartbeats_and_goodbyes_are_charged_too() {
    let _watch = memory::alone();
    for (what, frame) in
        [("heartbeat", Message::new(ACK).frame()), ("goodbye", Message::new(CANCEL).frame())]
    {
        let mut victim = Victim::ready();
        // An open call keeps the session from ending politely.
        victim.feed(&wire::call(3, "a.b"));
        for _ in 0..10_000 {
            victim.feed(&frame);
        }
        assert!(victim.closed.is_some(), "{what}");
        victim.assert_closed_by(Code::ResourceExhausted, "L4.calm.1");
    }
}

#[test]
fn row_16_silence_is_noticed() {
    let _watch = memory::alone();
    let mut victim = Victim::ready();
    victim.pass(Duration::from_secs(24));
    assert!(victim.closed.is_none());
    victim.pass(Duration::from_secs(7));
    victim.assert_closed_by(Code::Unavailable, "L4.beat.2");
}

#[test]
fn row_16_life_without_reading_is_noticed() {
    let _watch = memory::alone();
    let mut victim = Victim::ready().stalled();
    victim.feed(&wire::call(3, "a.b"));
    victim.answer_all(&[0; 100]);
    // It pings on, each second, and takes nothing.
    for id in (5..205).step_by(2) {
        victim.pass(Duration::from_secs(1));
        victim.feed(&ping(id));
        if victim.closed.is_some() {
            break;
        }
    }
    victim.assert_closed_by(Code::ResourceExhausted, "L4.bound.4");
}

#[test]
fn row_16_a_declared_heartbeat_does_not_make_us_spin() {
    let _watch = memory::alone();
    for millis in [0, 1] {
        let mut hasty = Limits::default();
        hasty.heartbeat = Duration::from_millis(millis);
        let mut victim = Victim::with(Limits::default(), hasty, crate::victim::all_rights());
        let due = victim.engine.poll_timeout().expect("a session watches for life");
        assert!(due.since(victim.now) >= Duration::from_millis(400), "{millis} ms: spins");
        victim.pass(Duration::from_secs(1));
        assert!(victim.closed.is_none(), "{millis} ms");
    }
}

#[test]
fn row_16_a_quiet_session_gives_its_memory_back() {
    let mut watch = memory::alone();
    watch.restart();
    let mut victim = Victim::ready();
    victim.read = Vec::new();
    let fresh = watch.held();
    // A burst of 64 KiB of the smallest messages that make an event each, and 1 MiB of answers.
    victim.feed(&wire::publish("a", b"").repeat(4_000));
    for id in (3..2_003).step_by(2) {
        victim.feed(&wire::call(id, "a.b"));
    }
    victim.answer_all(&[0; KIB]);
    victim.read = Vec::new();
    for _ in 0..10 {
        victim.pass(Duration::from_secs(5));
        victim.feed(&Message::new(ACK).frame());
        victim.read = Vec::new();
    }
    assert!(victim.closed.is_none());
    let kept = watch.held().saturating_sub(fresh);
    assert!(kept <= 256 * KIB, "{kept} bytes stay after a burst");
    assert!(watch.peak() <= 8 * MIB);
}

//! Rows 12 and 13: ids used twice, and answers to what was never asked.

use crate::memory;
use crate::victim::{Victim, all_rights};
use crate::wire::{self, ACK, CALL, CANCEL, EVENT, Message, STREAM, SUBSCRIBE, end, open};
use fluxar::engine::event::{Event, Request, SubscribeOptions};
use fluxar::{Code, Limits};

#[test]
fn row_12_an_id_names_one_thing_once() {
    let _watch = memory::alone();
    let finished = |victim: &mut Victim| {
        victim.feed(&wire::call(3, "a.b"));
        victim.answer_all(b"");
    };
    let live = |victim: &mut Victim| victim.feed(&wire::call(3, "a.b"));
    let again: [(&str, Vec<u8>); 5] = [
        ("call", wire::call(3, "a.b")),
        ("stream", open(3).meta(&[end()]).frame()),
        ("subscription", wire::subscribe(3, "a", 1)),
        ("ping", wire::ping(3)),
        ("lower", wire::call(1, "a.b")),
    ];
    for (what, frame) in again {
        for first in [&finished as &dyn Fn(&mut Victim), &live] {
            let mut victim = Victim::ready();
            first(&mut victim);
            let handlers = victim.live.len();
            victim.feed(&frame);
            victim.assert_closed_by(Code::InvalidArgument, "L3.id.4");
            assert!(victim.live_most <= 1 && handlers <= 1, "{what}: no second handler");
        }
    }
}

#[test]
fn row_12_a_fragmented_message_cannot_take_a_live_id() {
    let _watch = memory::alone();
    let mut victim = Victim::ready();
    victim.feed(&wire::call(3, "a.b"));
    let twin = Message::new(CALL).id(3).target("a.b").payload(&[1; 100]);
    victim.feed(&twin.fragments(1, 40));
    victim.assert_closed_by(Code::InvalidArgument, "L3.id.4");
    assert_eq!(victim.live_most, 1);
}

#[test]
fn row_12_each_side_mints_its_own_parity() {
    let _watch = memory::alone();
    for id in [2, 4, 1_000_000] {
        let mut victim = Victim::ready();
        victim.feed(&wire::call(id, "a.b"));
        victim.assert_closed_by(Code::InvalidArgument, "L3.id.3");
    }
    // The same number in both directions cannot meet: ours is even, theirs odd.
    let mut victim = Victim::ready();
    let ours = victim.engine.call(victim.now, &Request { target: "a.b", ..Request::default() });
    assert!(ours.is_ok_and(|id| id % 2 == 0));
}

#[test]
fn row_12_ids_at_the_end_of_their_range() {
    let _watch = memory::alone();
    let mut victim = Victim::ready();
    victim.feed(&wire::call(u64::MAX, "a.b"));
    assert_eq!(victim.live.len(), 1);
    victim.feed(&wire::call(5, "a.b"));
    victim.assert_closed_by(Code::InvalidArgument, "L3.id.4");
}

/// A victim with one call of its own open, and that call's id.
fn asking() -> (Victim, u64) {
    let mut victim = Victim::ready();
    victim.events = Some(Vec::new());
    let request = Request { target: "bank.balance", ..Request::default() };
    let id = victim.engine.call(victim.now, &request).expect("ready");
    victim.round();
    (victim, id)
}

fn responses(victim: &mut Victim) -> Vec<(u64, bool)> {
    let events = victim.events.replace(Vec::new()).unwrap_or_default();
    let responses = events.into_iter().filter_map(|event| match event {
        Event::Response { id, outcome } => Some((id, outcome.is_ok())),
        _ => None,
    });
    responses.collect()
}

fn response(reference: u64) -> Vec<u8> {
    Message::new(CALL).reference(reference).payload(b"\x07").frame()
}

#[test]
fn row_13_only_the_session_that_was_asked_can_answer() {
    let _watch = memory::alone();
    // A asked B; C, on a session of its own with the same A, answers with B's id.
    let (mut asked, id) = asking();
    let (mut other, _) = (Victim::ready(), ());
    other.events = Some(Vec::new());
    other.feed(&response(id));
    assert!(responses(&mut other).is_empty(), "C's answer reaches nobody");
    assert!(responses(&mut asked).is_empty());
    asked.feed(&response(id));
    assert_eq!(responses(&mut asked), [(id, true)]);
}

#[test]
fn row_13_answers_twice_late_or_of_another_kind_change_nothing() {
    let _watch = memory::alone();
    let (mut victim, id) = asking();
    victim.feed(&[response(id), response(id), response(id)].concat());
    assert_eq!(responses(&mut victim), [(id, true)], "the first counts");
    let (mut victim, id) = asking();
    victim.engine.abandon(victim.now, id);
    victim.round();
    victim.feed(&[response(id), response(id)].concat());
    assert!(responses(&mut victim).is_empty(), "nobody waits for it any more");
    assert!(victim.closed.is_none());
    // Everything else that may carry a ref, at a call.
    let (mut victim, id) = asking();
    victim.feed(&wire::item(id, b"x"));
    victim.feed(&Message::new(STREAM).reference(id).meta(&[end()]).frame());
    victim.feed(&Message::new(SUBSCRIBE).reference(id).frame());
    victim.feed(&Message::new(EVENT).reference(id).payload(b"x").frame());
    victim.feed(&wire::grant(id, 10));
    victim.feed(&Message::new(CANCEL).reference(id).frame());
    victim.feed(&Message::new(ACK).reference(id).frame());
    assert!(responses(&mut victim).is_empty());
    assert!(victim.closed.is_none(), "{:?}", victim.goodbye());
    victim.feed(&response(id));
    assert_eq!(responses(&mut victim), [(id, true)], "the call is as it was");
}

#[test]
fn row_13_the_65th_unknown_ref_ends_the_session() {
    let mut watch = memory::alone();
    watch.restart();
    for stray in [u64::MAX, 1 << 40, 1 << 20] {
        let (mut victim, _) = asking();
        for count in 0..100_u64 {
            victim.feed(&response(stray - 2 * count));
            if victim.closed.is_some() {
                assert_eq!(count, 64);
                break;
            }
        }
        victim.assert_closed_by(Code::InvalidArgument, "L3.ref.2");
        let ended = victim.events.as_deref().unwrap_or_default();
        let spoofed =
            ended.iter().any(|event| matches!(event, Event::Response { outcome: Ok(_), .. }));
        assert!(!spoofed);
    }
    assert!(watch.peak() <= memory::MIB);
}

#[test]
fn row_13_a_peer_that_never_answers_does_not_fill_our_tables() {
    let mut watch = memory::alone();
    let mut boundless = Limits::default();
    boundless.calls_max = u32::MAX;
    boundless.streams_max = u32::MAX;
    boundless.subscriptions_max = u32::MAX;
    let mut victim = Victim::with(Limits::default(), boundless, all_rights());
    watch.restart();
    let request = Request { target: "a.b", ..Request::default() };
    let mut refused = 0;
    for _ in 0..200_000 {
        // The application gives each call up at once; the entry waits for an answer.
        match victim.engine.call(victim.now, &request) {
            Ok(id) => victim.engine.abandon(victim.now, id),
            Err(_) => refused += 1,
        }
        if let Ok(id) = victim.engine.subscribe(victim.now, "a", &SubscribeOptions::default()) {
            victim.engine.unsubscribe(victim.now, id);
        }
        victim.transmit();
        victim.read.clear();
    }
    assert!(refused > 0, "the table has a bound of our own");
    assert!(watch.peak() <= 32 * memory::MIB, "{} bytes", watch.peak());
}

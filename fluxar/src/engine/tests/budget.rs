//! Cheap messages: what they cost, and what earns them back.

use super::pair::{Pair, request};
use super::raw::{
    ACK, CALL, CANCEL, EVENT, Raw, STREAM, call, credit, end, frames, last_words, open,
};
use crate::config::Limits;
use crate::engine::event::Event;
use crate::engine::session::auth::Identity;
use crate::engine::session::phase::Phase;
use std::time::Duration;

/// An acceptor with so many cheap messages to spend, and no refill to speak of.
fn with_burst(budget_burst: u32) -> Pair {
    let limits = Limits { budget_burst, budget_per_second: 1, ..Limits::default() };
    Pair::with(Limits::default(), limits, Identity::anonymous())
}

fn is_alive(pair: &Pair) -> bool {
    pair.acceptor.engine.phase() == Phase::Ready
}

/// `[L4.calm.1]`: each kind of cheap message takes one, and the last one too many ends it.
#[test]
fn every_cheap_message_is_charged() {
    let heartbeat = |_| Raw::of(ACK).frame();
    let ping = |at| Raw::of(ACK).id(101 + 2 * at).frame();
    let late_cancel = |_| Raw::of(CANCEL).reference(1).frame();
    let late_credit = |_| Raw::of(ACK).reference(1).meta(credit(1)).frame();
    let late_item = |_| Raw::of(STREAM).reference(1).payload(b"x").frame();
    let late_answer = |_| Raw::of(CALL).reference(2).payload(b"x").frame();
    let late_event = |_| Raw::of(EVENT).reference(2).payload(b"x").frame();
    let unknown = |at| Raw::of(CANCEL).reference(1_001 + 2 * at).frame();
    let kinds: [&dyn Fn(u64) -> Vec<u8>; 8] = [
        &heartbeat,
        &ping,
        &late_cancel,
        &late_credit,
        &late_item,
        &late_answer,
        &late_event,
        &unknown,
    ];
    for (kind, frame) in kinds.iter().enumerate() {
        let mut pair = with_burst(20);
        for at in 0..20 {
            pair.reach_acceptor(&frame(at));
            assert!(is_alive(&pair), "kind {kind}: one is one, after {at}");
        }
        pair.reach_acceptor(&frame(20));
        assert!(!is_alive(&pair), "kind {kind} costs nothing");
        assert!(last_words(&pair.acceptor.transmit()).1.starts_with("[L4.calm.1]"));
    }
}

/// `[L4.calm.1]`: time refills the bucket, up to its size.
#[test]
fn time_refills_it() {
    let limits = Limits { budget_burst: 10, budget_per_second: 5, ..Limits::default() };
    let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
    let spend = |pair: &mut Pair, count: usize| {
        pair.reach_acceptor(&Raw::of(ACK).frame().repeat(count));
        is_alive(pair)
    };
    assert!(spend(&mut pair, 10));
    pair.now = pair.now + Duration::from_secs(1);
    assert!(spend(&mut pair, 5), "5 came back");
    // Never more than the bucket holds.
    pair.now = pair.now + Duration::from_secs(20);
    assert!(spend(&mut pair, 10));
    pair.now = pair.now + Duration::from_millis(100);
    assert!(!spend(&mut pair, 1), "half a message is none");
}

/// `[L4.calm.1]`: a call that a handler completed earns one, and so do items and events sent.
#[test]
fn work_earns_it_back() {
    let mut pair = with_burst(4);
    for round in 0..20 {
        let id = 3 + 2 * round;
        pair.reach_acceptor(&[call(id).frame(), Raw::of(ACK).frame()].concat());
        pair.acceptor.engine.respond(pair.now, id, Ok(b""));
        assert!(is_alive(&pair), "round {round}");
    }
    let mut pair = with_burst(4);
    pair.reach_acceptor(&open(3).meta(end()).frame());
    for round in 0..20 {
        pair.acceptor.engine.send_item(pair.now, 3, b"x").expect("credit");
        pair.reach_acceptor(&Raw::of(ACK).reference(3).meta(credit(33)).frame());
        assert!(is_alive(&pair), "round {round}");
    }
}

/// `[L4.calm.1]`: a call that was cancelled earns nothing: opening and cancelling is what the
/// bucket is there for.
#[test]
fn a_rapid_reset_is_a_flood() {
    let mut pair = with_burst(20);
    for round in 0..21 {
        assert!(is_alive(&pair), "round {round}");
        let id = 3 + 2 * round;
        pair.reach_acceptor(&[call(id).frame(), Raw::of(CANCEL).reference(id).frame()].concat());
        pair.acceptor.engine.respond(pair.now, id, Ok(b""));
    }
    assert!(!is_alive(&pair));
}

/// `[L3.ref.2]`: refs to what never was are counted beside the bucket.
#[test]
fn unknown_refs() {
    let mut pair = Pair::ready();
    for at in 0..64 {
        pair.reach_acceptor(&Raw::of(CANCEL).reference(1_001 + at).frame());
        assert!(is_alive(&pair));
    }
    // What did exist is only charged.
    pair.reach_acceptor(&Raw::of(CANCEL).reference(1).frame().repeat(100));
    assert!(is_alive(&pair));
    pair.reach_acceptor(&Raw::of(CANCEL).reference(2_001).frame());
    assert!(last_words(&pair.acceptor.transmit()).1.starts_with("[L3.ref.2]"));
}

/// `[L3.ref.2]`: a ref to an item of another kind, or of the wrong side, is an unknown one.
#[test]
fn refs_of_another_kind() {
    let limits = Limits { unknown_refs_max: 5, ..Limits::default() };
    let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
    let stream = pair.acceptor.engine.open_stream(pair.now, &request("a.b", b""), false, None);
    let stream = stream.expect("room");
    let sub = pair.acceptor.engine.subscribe(pair.now, "a.b", &Default::default()).expect("room");
    pair.acceptor.transmit();
    pair.reach_acceptor(&[call(3).frame()].concat());
    for wrong in [
        Raw::of(STREAM).reference(3).payload(b"x"),
        Raw::of(CALL).reference(stream).payload(b"x"),
        Raw::of(CANCEL).reference(stream),
        Raw::of(ACK).reference(sub).meta(credit(1)),
        Raw::of(CANCEL).reference(sub),
    ] {
        pair.reach_acceptor(&wrong.frame());
        assert!(is_alive(&pair), "{wrong:?}");
    }
    pair.reach_acceptor(&Raw::of(EVENT).reference(3).payload(b"x").frame());
    assert!(!is_alive(&pair));
}

/// `[L4.ping.1]`: pings are answered by one pong, for the newest.
#[test]
fn pongs_coalesce() {
    let mut pair = Pair::ready();
    let pings: Vec<u8> = (0..100).flat_map(|at| Raw::of(ACK).id(3 + 2 * at).frame()).collect();
    pair.reach_acceptor(&pings);
    assert_eq!(pair.acceptor.transmit(), Raw::of(ACK).reference(201).frame());
    let old = pair.dialer.engine.ping(pair.now);
    let batch = pair.dialer.transmit();
    pair.reach_dialer(&Raw::of(ACK).reference(old).frame());
    assert!(matches!(pair.dialer.take()[..], [Event::Pong { id }] if id == old));
    pair.reach_dialer(&Raw::of(ACK).reference(old).frame());
    assert!(pair.dialer.take().is_empty(), "once is enough");
    assert_eq!(frames(&batch).len(), 1);
}

/// `[L4.calm.2]`: dropping everything in flight at once is no flood, and neither is a consumer that
/// takes many small items.
#[test]
fn honest_peers_stay_within() {
    let mut pair = Pair::ready();
    let calls: Vec<u64> = (0..1_000)
        .map(|_| pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("room"))
        .collect();
    pair.run();
    pair.acceptor.take();
    for id in calls {
        pair.dialer.engine.abandon(pair.now, id);
    }
    pair.run();
    assert!(is_alive(&pair));
    let limits = Limits { initial_credit: 64, ..Limits::default() };
    let mut pair = Pair::with(limits, Limits::default(), Identity::anonymous());
    let id = pair.dialer.engine.open_stream(pair.now, &request("a.b", b""), true, None);
    let id = id.expect("room");
    pair.run();
    for _ in 0..5_000 {
        pair.acceptor.engine.send_item(pair.now, id, b"x").expect("credit");
        pair.run();
        pair.dialer.take();
        pair.dialer.engine.consumed(pair.now, id, 1);
        pair.run();
    }
    assert!(is_alive(&pair));
}

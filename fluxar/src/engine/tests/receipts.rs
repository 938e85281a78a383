//! The sequence and its receipts.

use super::pair::{Pair, request};
use super::raw::{ACK, Raw, frames, last_words, map, uint};
use crate::config::Limits;
use crate::engine::event::{Event, Refusal};
use crate::engine::frame::VOLATILE;
use crate::engine::message::envelope::Envelope;
use crate::engine::message::kind::Kind;
use std::time::Duration;

/// The receipts in a batch.
pub(super) fn receipts(batch: &[u8]) -> Vec<u64> {
    let read = |body: &[u8]| {
        let envelope = Envelope::decode(body).expect("well-formed");
        (envelope.kind == Kind::Ack).then_some(envelope.meta.receipt).flatten()
    };
    frames(batch).iter().filter_map(|(_, _, body)| read(body)).collect()
}

pub(super) fn receipt(upto: u64) -> Vec<u8> {
    Raw::of(ACK).meta(map(&[(uint(21), uint(upto))])).frame()
}

fn notify(pair: &mut Pair, count: usize) {
    for _ in 0..count {
        pair.dialer.engine.notify(pair.now, &request("a.b", b"x")).expect("room");
    }
    let batch = pair.dialer.transmit();
    pair.reach_acceptor(&batch);
}

/// `[L4.receipt.1]`: the side that has nothing to say says how far it came.
#[test]
fn an_idle_side_sends_its_receipt_in_25_ms() {
    let mut pair = Pair::resumable();
    notify(&mut pair, 3);
    assert!(pair.acceptor.transmit().is_empty(), "too early");
    let due = pair.acceptor.engine.poll_timeout().expect("a receipt is due");
    assert_eq!(due, pair.now + Duration::from_millis(25));
    pair.acceptor.engine.handle_timeout(due);
    assert_eq!(receipts(&pair.acceptor.transmit()), [3]);
    assert!(pair.acceptor.transmit().is_empty(), "said twice");
}

/// `[L4.receipt.1]`: 512 messages or 256 KiB make one due at once.
#[test]
fn many_messages_or_bytes_make_a_receipt_due() {
    let mut pair = Pair::resumable();
    notify(&mut pair, 511);
    assert!(pair.acceptor.transmit().is_empty());
    notify(&mut pair, 1);
    assert_eq!(receipts(&pair.acceptor.transmit()), [512]);
    let large = vec![0; 256 << 10];
    pair.dialer.engine.notify(pair.now, &request("a.b", &large)).expect("room");
    while let batch = pair.dialer.transmit()
        && !batch.is_empty()
    {
        pair.reach_acceptor(&batch);
    }
    assert_eq!(receipts(&pair.acceptor.transmit()), [513]);
}

/// `[L4.receipt.1]`: from 128 messages on a receipt goes with whatever goes, and waits for that.
#[test]
fn a_receipt_goes_along_with_what_goes_anyhow() {
    let mut pair = Pair::resumable();
    let answer = |pair: &mut Pair| {
        pair.acceptor.engine.notify(pair.now, &request("a.b", b"x")).expect("room");
        receipts(&pair.acceptor.transmit())
    };
    notify(&mut pair, 127);
    assert_eq!(answer(&mut pair), [0; 0], "too early to be worth its bytes");
    notify(&mut pair, 1);
    assert!(pair.acceptor.transmit().is_empty(), "it went alone");
    assert_eq!(answer(&mut pair), [128]);
    assert_eq!(answer(&mut pair), [0; 0], "said twice");
    assert!(!pair.acceptor.engine.has_output());
}

/// `[L4.receipt.1]`: every heartbeat carries one.
#[test]
fn a_heartbeat_carries_the_receipt() {
    let mut pair = Pair::resumable();
    notify(&mut pair, 5);
    pair.pass(Duration::from_millis(30));
    let mut seen = Vec::new();
    for _ in 0..24 {
        pair.now = pair.now + Duration::from_secs(1);
        pair.acceptor.engine.handle_timeout(pair.now);
        let batch = pair.acceptor.transmit();
        seen.extend(receipts(&batch));
        pair.reach_dialer(&batch);
    }
    assert!(seen.len() > 1 && seen.iter().all(|upto| *upto == 5), "{seen:?}");
}

/// `[L4.receipt.2]`: a receipt for what was never sent ends the session, and panics nobody.
#[test]
fn a_receipt_ahead_is_a_violation() {
    for upto in [4, u64::MAX] {
        let mut pair = Pair::resumable();
        notify(&mut pair, 3);
        pair.reach_dialer(&receipt(3));
        assert_eq!(pair.dialer.engine.replay_bytes(), 0);
        pair.reach_dialer(&receipt(upto));
        let (_, message) = last_words(&pair.dialer.transmit());
        assert!(message.starts_with("[L4.receipt.2]"), "{message}");
    }
}

/// `[L4.replay.2]`: without receipts what is to be sent waits, and so, in the end, does whoever
/// sends it; nothing is kept beyond the bound, and a receipt lets all of it go.
#[test]
fn a_full_replay_buffer_makes_the_producer_wait() {
    let limits = Limits { replay_messages_max: 64, outbox_soft_bytes: 2_000, ..Limits::default() };
    let mut pair = Pair::resumable_with(limits, Limits::default());
    let mut sent = 0;
    let mut left = 0;
    loop {
        match pair.dialer.engine.notify(pair.now, &request("a.b", b"x")) {
            Ok(()) => sent += 1,
            Err(Refusal::Blocked) => break,
            Err(other) => panic!("{other:?}"),
        }
        left += frames(&pair.dialer.transmit()).len();
        assert!(sent < 1_000, "nobody waits");
    }
    assert_eq!(left, 64);
    assert!(sent > 64 && !pair.dialer.engine.has_output());
    pair.dialer.take();
    pair.reach_dialer(&receipt(40));
    let batch = pair.dialer.transmit();
    assert_eq!(frames(&batch).len(), 40.min(sent - 64));
    assert!(pair.dialer.take().iter().any(|event| matches!(event, Event::Writable)));
}

/// `[L4.replay.2]`: a bound in bytes, for small messages and for large ones.
#[test]
fn the_replay_buffer_is_bounded_in_bytes() {
    let limits = Limits { replay_bytes_max: 64 << 10, ..Limits::default() };
    let mut pair = Pair::resumable_with(limits, Limits::default());
    let large = vec![0; 30 << 10];
    let mut most = 0;
    for round in 0..200 {
        let size = if round % 3 == 0 { large.len() } else { 900 };
        let asked = request("a.b", &large[..size]);
        if round % 2 == 0 {
            let _full = pair.dialer.engine.notify(pair.now, &asked);
        } else {
            let _full = pair.dialer.engine.call(pair.now, &asked);
        }
        pair.dialer.transmit();
        most = most.max(pair.dialer.engine.replay_bytes());
    }
    assert!(most > 90 << 10, "{most}");
    assert!(most <= 128 << 10, "{most} bytes are kept");
}

/// `[L1.volatile.1]`: on such a session a delivery is part of the sequence, a publication is not.
#[test]
fn deliveries_are_sequenced_and_publications_are_not() {
    let mut pair = Pair::resumable();
    let id = pair.dialer.engine.subscribe(pair.now, "a.b", &Default::default()).expect("room");
    pair.run();
    pair.acceptor.engine.grant(pair.now, id);
    pair.acceptor.engine.deliver(pair.now, id, "a.b", &b"x"[..].into(), &Default::default());
    pair.acceptor.engine.publish(pair.now, "c.d", b"x", &Default::default()).expect("room");
    let flags: Vec<u8> =
        frames(&pair.acceptor.transmit()).iter().map(|(flags, ..)| *flags).collect();
    assert_eq!(flags, [0, 0, VOLATILE]);
}

/// `[L4.caps.1]`: without it on both sides nothing is numbered and nothing kept.
#[test]
fn nothing_is_kept_unless_both_can_resume() {
    let mut pair = Pair::ready();
    notify(&mut pair, 40);
    assert!(!pair.dialer.engine.is_resumable() && pair.dialer.engine.replay_bytes() == 0);
    assert!(pair.acceptor.transmit().is_empty());
}

//! Rows 11, 14 and 32: work asked for and not taken, and large things in the way of small ones.

use crate::memory::{self, KIB, MIB};
use crate::victim::{Handlers, Victim, all_rights};
use crate::wire::{self, CALL, CANCEL, EVENT, Message, end, open, pair, uint};
use bytes::Bytes;
use fluxar::engine::event::{Delivered, Event, Refusal, Request};
use fluxar::{Code, Limits, PublishOptions};
use std::time::Duration;

fn ids(count: u64) -> impl Iterator<Item = u64> {
    (1..=count).map(|n| n * 2 + 1)
}

#[test]
fn row_11_answers_that_nobody_reads_end_the_session() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready().stalled();
    let limits = Limits::default();
    watch.restart();
    for id in ids(limits.calls_max.into()) {
        victim.feed(&wire::call(id, "a.b"));
    }
    assert_eq!(victim.live.len(), limits.calls_max as usize);
    let answer = vec![7; MIB];
    for id in std::mem::take(&mut victim.live) {
        victim.engine.respond(victim.now, id, Ok(&answer));
        let bound = limits.outbox_bytes_max as usize + 2 * MIB;
        assert!(victim.engine.outbox_bytes() <= bound, "{}", victim.engine.outbox_bytes());
        victim.drain();
        if victim.closed.is_some() {
            break;
        }
    }
    let bound = (limits.outbox_bytes_max as usize) * 11 / 10 + 4 * MIB;
    assert!(watch.peak() <= bound, "{} bytes", watch.peak());
    victim.round();
    victim.assert_closed_by(Code::ResourceExhausted, "L4.bound.1");
}

#[test]
fn row_11_a_stream_without_credit_sends_nothing() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready().stalled();
    watch.restart();
    let item = vec![7; 16 * KIB];
    let mut admitted = 0;
    for id in ids(256) {
        // Credit for everything, read of nothing: the outbox is the bound.
        let credit = pair(2, uint(1 << 31));
        victim.feed(&open(id).meta(&[end(), credit]).frame());
        loop {
            match victim.engine.send_item(victim.now, id, &item) {
                Ok(()) => admitted += item.len(),
                Err(Refusal::Blocked) => break,
                Err(refusal) => panic!("{refusal:?}"),
            }
        }
    }
    let soft = Limits::default().outbox_soft_bytes as usize;
    assert!(admitted <= soft + item.len(), "{admitted} bytes admitted");
    assert!(watch.peak() <= 2 * soft + MIB, "{} bytes", watch.peak());
    victim.pass(Duration::from_secs(15));
    victim.feed(&Message::new(wire::ACK).frame());
    victim.pass(Duration::from_secs(20));
    victim.assert_closed_by(Code::ResourceExhausted, "L4.bound.4");
}

#[test]
fn row_11_a_goodbye_is_not_multiplied_by_what_is_open() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready().handlers(Handlers::Stuck);
    for id in ids(1024) {
        victim.feed(&wire::call(id, "a.b"));
    }
    for id in ids(2048).skip(1024) {
        victim.feed(&open(id).meta(&[end()]).frame());
    }
    assert_eq!(victim.live.len(), 2048);
    victim.events = Some(Vec::with_capacity(8 * KIB));
    // Every handler is told why: a long reason must not be copied for each.
    let reason = "x".repeat(MIB - 100);
    let goodbye = Message::new(CANCEL).error(13, &reason).frame();
    watch.restart();
    victim.feed(&goodbye);
    assert!(victim.closed.is_some());
    assert!(watch.peak() <= 16 * MIB, "{} bytes for a reason of 1 MiB", watch.peak());
}

#[test]
fn row_11_credit_of_a_flood_is_bounded_for_the_session() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready();
    victim.events = Some(Vec::new());
    watch.restart();
    // Streams whose application takes nothing, filled to their credit.
    let item = vec![7; 16 * KIB];
    for id in ids(1024) {
        victim.feed(&open(id).frame());
        if victim.live.contains(&id) {
            let items: Vec<u8> = (0..16).flat_map(|_| wire::item(id, &item)).collect();
            victim.feed(&items);
        }
        victim.read.clear();
    }
    assert!(victim.closed.is_none(), "{:?}", victim.goodbye());
    let bound = Limits::default().session_credit_max as usize;
    assert!(watch.held() <= bound * 3 / 2 + 4 * MIB, "{} bytes held", watch.held());
    // One item more than the credit.
    let mut victim = Victim::ready();
    victim.feed(&open(3).frame());
    for _ in 0..17 {
        victim.feed(&wire::item(3, &item));
    }
    victim.assert_closed_by(Code::ResourceExhausted, "L5.credit.1");
}

#[test]
fn row_14_a_small_message_does_not_hold_a_large_buffer() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready();
    victim.events = Some(Vec::new());
    let large = Message::new(EVENT).target("nobody.listens").payload(&vec![0; MIB - 64]).frame();
    watch.restart();
    for id in ids(200) {
        // In one read: what the handlers keep is a part of a buffer of more than 1 MiB.
        let both = [&large[..], &wire::call(id, "a.b")].concat();
        victim.feed(&both);
        let keep = |event: &Event| matches!(event, Event::Call { .. });
        victim.events.as_mut().expect("kept").retain(keep);
    }
    assert_eq!(victim.live.len(), 200);
    assert!(watch.held() <= 2 * MIB, "{} bytes held by 200 calls of 20 bytes", watch.held());
}

#[test]
fn row_14_a_slow_subscriber_costs_its_queue() {
    let mut watch = memory::alone();
    for overflow in [0_u64, 1, 2] {
        let mut victim = Victim::ready();
        let meta = [pair(2, uint(1)), pair(19, uint(overflow))];
        let meta = if overflow == 0 { &meta[..1] } else { &meta[..] };
        victim.feed(&Message::new(wire::SUBSCRIBE).id(3).target("a").meta(meta).frame());
        let payload = Bytes::from(vec![7; 1000]);
        watch.restart();
        let mut dropped = 0_u64;
        for _ in 0..100_000 {
            let fate = victim.engine.deliver(victim.now, 3, "a", &payload, &PublishOptions::new());
            dropped += u64::from(fate == Delivered::Dropped);
            victim.round();
        }
        let bound = Limits::default().subscription_bytes_max as usize;
        assert!(watch.peak() <= 2 * bound + 64 * KIB, "{overflow}: {} bytes", watch.peak());
        assert!(dropped > 90_000, "{overflow}: {dropped}");
        assert!(victim.closed.is_none());
        // It takes up reading again, and is told how many it missed.
        victim.read.clear();
        victim.feed(&wire::grant(3, 1 << 20));
        let told: u64 = victim.messages().iter().map(|message| dropped_in(message)).sum();
        assert!(told > 90_000, "{overflow}: told of {told}");
    }
}

/// Meta key 22 of a delivery.
fn dropped_in(envelope: &[u8]) -> u64 {
    let envelope = fluxar::engine::message::envelope::Envelope::decode(envelope);
    envelope.expect("the victim speaks the protocol").meta.dropped
}

#[test]
fn row_14_the_policy_disconnect_ends_the_slow_subscription_only() {
    let _watch = memory::alone();
    let mut victim = Victim::ready();
    let meta = [pair(2, uint(1)), pair(19, uint(3))];
    victim.feed(&Message::new(wire::SUBSCRIBE).id(3).target("a").meta(&meta).frame());
    victim.feed(&wire::subscribe(5, "a", 1 << 30));
    let payload = Bytes::from(vec![7; 64 * KIB]);
    let mut slow = Delivered::Queued;
    for _ in 0..40 {
        if slow != Delivered::Gone {
            slow = victim.engine.deliver(victim.now, 3, "a", &payload, &PublishOptions::new());
        }
        let quick = victim.engine.deliver(victim.now, 5, "a", &payload, &PublishOptions::new());
        assert_eq!(quick, Delivered::Queued);
        victim.round();
    }
    assert_eq!(slow, Delivered::Gone);
    assert!(victim.closed.is_none());
}

#[test]
fn row_14_all_queues_of_a_session_together_are_bounded() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready();
    for id in ids(1000) {
        victim.feed(&wire::subscribe(id, "a", 1));
    }
    victim.read = Vec::new();
    let payload = Bytes::from_static(b"1");
    watch.restart();
    for _ in 0..400 {
        for id in ids(1000) {
            victim.engine.deliver(victim.now, id, "a", &payload, &PublishOptions::new());
        }
        victim.transmit();
        victim.read.clear();
        if watch.held() > 64 * MIB {
            break;
        }
    }
    assert!(watch.peak() <= 32 * MIB, "{} bytes wait for one session", watch.peak());
}

#[test]
fn row_14_one_byte_items_do_not_cost_more_than_their_credit() {
    let mut watch = memory::alone();
    let mut victim = Victim::with(Limits::default(), Limits::default(), all_rights());
    victim.events = Some(Vec::new());
    victim.feed(&open(3).frame());
    let items = wire::item(3, b"1").repeat(1_000);
    watch.restart();
    for _ in 0..263 {
        victim.feed(&items);
        if victim.closed.is_some() {
            break;
        }
    }
    victim.assert_closed_by(Code::ResourceExhausted, "L5.credit.1");
    let window = Limits::default().initial_credit as usize;
    // The test keeps each event: what a queue of items would take.
    assert!(watch.peak() <= 16 * window, "{} bytes for {window} of credit", watch.peak());
}

#[test]
fn row_11_calls_wait_for_nobody_else() {
    let _watch = memory::alone();
    // What one session cannot take does not touch another of the same node.
    let mut stuck = Victim::ready().stalled();
    let mut good = Victim::ready();
    for id in ids(500) {
        stuck.feed(&wire::call(id, "a.b"));
        good.feed(&wire::call(id, "a.b"));
        good.answer_all(b"ok");
    }
    stuck.answer_all(&[0; 100]);
    assert!(stuck.read.is_empty());
    let answers = good.messages().len();
    assert!(answers >= 500, "{answers}");
}

#[test]
fn row_32_a_ping_waits_for_one_batch_of_a_large_message() {
    let _watch = memory::alone();
    let mut victim = Victim::ready();
    victim.reads = false;
    let text = vec![7; 15 * MIB];
    let large = Request { target: "a.b", payload: Some(&text), ..Request::default() };
    let small = Request { target: "c.d", ..Request::default() };
    victim.engine.call(victim.now, &large).expect("room");
    let mut batches = 0;
    loop {
        let ping = victim.engine.ping(victim.now);
        let call = victim.engine.call(victim.now, &small).expect("a small call is not blocked");
        let mut batch = Vec::new();
        assert!(victim.engine.poll_transmit(&mut batch));
        // Both are at the front of the very next batch, and it is short.
        let expected = [wire::ping(ping), Message::new(CALL).id(call).target("c.d").frame()];
        assert!(batch.starts_with(&expected.concat()), "something went before a ping");
        assert!(batch.len() <= 96 * KIB, "{} bytes in one batch", batch.len());
        batches += 1;
        if victim.engine.outbox_bytes() == 0 {
            break;
        }
    }
    assert!(batches > 100, "{batches} batches");
}

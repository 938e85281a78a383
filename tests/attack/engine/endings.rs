//! What is open when a session ends: the other half of rows 11 and 13. A side must not be led to
//! believe that something never ran when it did, nor lose an answer that was given.

use crate::memory::{self, KIB, MIB};
use crate::victim::{Victim, config};
use crate::wire::{self, CANCEL, Message};
use bytes::BytesMut;
use fluxar::engine::event::{Event, Request, SubscribeOptions};
use fluxar::engine::frame;
use fluxar::engine::message::envelope::Envelope;
use fluxar::engine::session::auth::Identity;
use fluxar::engine::session::phase::Phase;
use fluxar::engine::{Engine, Role};
use fluxar::{Code, Limits, PublishOptions, Status};
use std::time::Duration;

fn outcomes(events: &[Event]) -> Vec<Code> {
    let codes = events.iter().filter_map(|event| match event {
        Event::Response { outcome: Err(status), .. } => Some(status.code()),
        _ => None,
    });
    codes.collect()
}

#[test]
fn what_is_told_to_be_unsent_is_not_sent_afterwards() {
    let _watch = memory::alone();
    for payload in [vec![7; 10], vec![7; 100 * KIB]] {
        let mut victim = Victim::ready();
        victim.events = Some(Vec::new());
        victim.read.clear();
        let request = Request { target: "pay.out", payload: Some(&payload), ..Request::default() };
        victim.engine.call(victim.now, &request).expect("ready");
        let bored = Status::new(Code::Aborted, "enough");
        victim.engine.close(victim.now, Some(&bored));
        victim.round();
        let told = outcomes(victim.events.as_deref().unwrap_or_default());
        assert_eq!(told, [Code::Unavailable], "nothing of {} bytes had left", payload.len());
        let calls = victim.messages();
        let pays = |message: &&bytes::Bytes| {
            Envelope::decode(message).is_ok_and(|envelope| envelope.target == Some("pay.out"))
        };
        assert_eq!(calls.iter().filter(pays).count(), 0, "safe to send again, and it was sent");
    }
}

#[test]
fn a_drained_session_has_sent_its_last_answer() {
    let _watch = memory::alone();
    let mut victim = Victim::ready();
    victim.feed(&wire::call(3, "a.b"));
    victim.feed(&Message::new(CANCEL).frame());
    assert_eq!(victim.engine.phase(), Phase::Draining);
    victim.read.clear();
    victim.answer_all(&vec![7; 200 * KIB]);
    assert!(victim.closed.is_some(), "drained");
    let lens: Vec<usize> = victim.messages().iter().map(bytes::Bytes::len).collect();
    assert!(lens.iter().any(|len| *len > 200 * KIB), "the answer was given: {lens:?}");
}

#[test]
fn a_large_transfer_is_no_stall() {
    let _watch = memory::alone();
    let mut victim = Victim::ready();
    victim.feed(&wire::subscribe(3, "a", 1 << 31));
    victim.reads = false;
    let payload = bytes::Bytes::from(vec![7; 15 * MIB]);
    victim.engine.deliver(victim.now, 3, "a", &payload, &PublishOptions::new());
    // 64 KiB a second is slow, and moves.
    for second in 0..200 {
        victim.pass(Duration::from_secs(1));
        victim.feed(&Message::new(wire::ACK).frame());
        assert!(victim.closed.is_none(), "given up after {second} s: {:?}", victim.goodbye());
        victim.engine.poll_transmit(&mut Vec::new());
    }
}

#[test]
fn an_authenticator_that_decides_too_late_says_nothing_more() {
    let _watch = memory::alone();
    for accept in [true, false] {
        let now = fluxar::engine::time::Time::from_micros(1_000_000);
        let mut dialer = Engine::new(config(Limits::default()), Role::Dialer, now);
        dialer.handle_link_up(now);
        let mut offer = Vec::new();
        dialer.poll_transmit(&mut offer);
        let mut victim = Victim::fresh(Limits::default());
        victim.feed(&offer);
        victim.pass(Duration::from_secs(6));
        victim.assert_closed_by(Code::DeadlineExceeded, "L4.phase.3");
        victim.read.clear();
        if accept {
            victim.engine.accept(victim.now, Identity::anonymous());
        } else {
            let late = Status::new(Code::Unauthenticated, "no");
            victim.engine.refuse(victim.now, &late);
        }
        victim.round();
        assert!(victim.read.is_empty(), "speaks after its goodbye");
        assert_eq!(victim.engine.phase(), Phase::Closed);
    }
}

#[test]
fn no_message_is_longer_than_the_peer_takes() {
    let _watch = memory::alone();
    let mut narrow = Limits::default();
    narrow.frame_bytes_max = 1024;
    let mut victim = Victim::with(Limits::default(), narrow, crate::victim::all_rights());
    victim.read.clear();
    let meta: Vec<(String, String)> =
        (0..48).map(|n| (format!("key-{n:04}"), "12345678".to_owned())).collect();
    for payload_bytes in 0..1_000 {
        let payload = vec![7; payload_bytes];
        let request = Request {
            target: "a.b",
            payload: Some(&payload),
            user_meta: &meta[..payload_bytes % 49],
            ..Request::default()
        };
        let id = victim.engine.call(victim.now, &request);
        assert!(id.is_ok());
        victim.transmit();
        victim.feed(&wire::item(1, b""));
        let typed = Status::new(Code::Internal, "x".repeat(payload_bytes))
            .with_details("t".repeat(payload_bytes), bytes::Bytes::from(payload.clone()));
        victim.feed(&wire::call(payload_bytes as u64 * 2 + 3, "a.b"));
        for id in std::mem::take(&mut victim.live) {
            victim.engine.respond(victim.now, id, Err(&typed));
        }
        victim.transmit();
        let mut rest = &victim.read[..];
        while let Some(whole) = frame::whole_len(rest, 1024).expect("no frame above 1,024 bytes") {
            rest = &rest[whole..];
        }
        victim.read.clear();
    }
}

#[test]
fn what_a_peer_would_refuse_is_refused_here() {
    let _watch = memory::alone();
    let mut victim = Victim::ready();
    for options in [
        SubscribeOptions { group: Some(String::new()), ..SubscribeOptions::default() },
        SubscribeOptions { group: Some("g".repeat(513)), ..SubscribeOptions::default() },
        SubscribeOptions { credit: Some(u32::MAX), ..SubscribeOptions::default() },
    ] {
        victim.read.clear();
        let asked = victim.engine.subscribe(victim.now, "a", &options);
        victim.transmit();
        if asked.is_ok() {
            // It may be clamped, as long as a peer takes it.
            let sent = victim.read.clone();
            let mut other = Engine::new(config(Limits::default()), Role::Acceptor, victim.now);
            other.handle_link_up(victim.now);
            let mut bytes = BytesMut::from(&sent[..]);
            other.handle_bytes(victim.now, &mut bytes);
            let [message] = &victim.messages()[..] else { panic!("one SUBSCRIBE") };
            let envelope = Envelope::decode(message).expect("a message that a peer takes");
            assert!(envelope.meta.credit.is_none_or(|credit| credit <= 1 << 31));
        }
    }
}

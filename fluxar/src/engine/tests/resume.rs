//! Sessions that go on over another link, one behaviour at a time. The simulator mixes them.

use super::pair::{Pair, request};
use super::raw::{frame, last_words};
use super::receipts::receipt;
use crate::config::Limits;
use crate::engine::Engine;
use crate::engine::event::{Event, Refusal};
use crate::engine::frame::{GROUP, LEN_BYTES, SEQ, decode_with};
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::LinkFacts;
use crate::error::{Code, Status};
use std::time::Duration;

fn responses(events: &[Event]) -> Vec<(u64, Result<Vec<u8>, Code>)> {
    let read = |event: &Event| match event {
        Event::Response { id, outcome } => {
            Some((*id, outcome.as_ref().map(|b| b.to_vec()).map_err(Status::code)))
        }
        _ => None,
    };
    events.iter().filter_map(read).collect()
}

fn calls(events: &[Event]) -> Vec<u64> {
    let read = |event: &Event| match event {
        Event::Call { id, .. } => *id,
        _ => None,
    };
    events.iter().filter_map(read).collect()
}

/// The numbers in a batch.
fn numbers(mut batch: &[u8]) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some((len, rest)) = batch.split_first_chunk::<LEN_BYTES>() {
        let (inner, rest) = rest.split_at(u32::from_be_bytes(*len) as usize);
        batch = rest;
        numbers.extend(decode_with(inner, SEQ).expect("well-formed").seq);
    }
    numbers
}

/// `[L4.resume.7]`: a call that was lost with its link is sent again, runs once, and is answered.
#[test]
fn a_call_survives_its_link() {
    let mut pair = Pair::resumable();
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    pair.dialer.transmit();
    pair.cut();
    assert!(matches!(pair.dialer.take()[..], [Event::Detached { .. }]));
    assert_eq!(pair.dialer.engine.phase(), Phase::Detached);
    assert!(pair.resume());
    assert!(matches!(pair.dialer.take()[..], [Event::Resumed]));
    pair.run();
    assert_eq!(calls(&pair.acceptor.take()), [id]);
    pair.acceptor.engine.respond(pair.now, id, Ok(b"y"));
    pair.run();
    assert_eq!(responses(&pair.dialer.take()), [(id, Ok(b"y".to_vec()))]);
}

/// `[L4.resume.7]`: what the peer has taken already is not taken twice, whether it said so or not.
#[test]
fn nothing_is_taken_twice() {
    let mut pair = Pair::resumable();
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    pair.run();
    assert_eq!(calls(&pair.acceptor.take()), [id]);
    pair.cut();
    assert!(pair.resume());
    pair.run();
    assert!(calls(&pair.acceptor.take()).is_empty());
    assert_eq!(pair.dialer.engine.replay_bytes(), 0, "the HELLOs are receipts, too");
}

/// `[L4.resume.7]`: an answer that was lost comes again.
#[test]
fn a_result_survives_its_link() {
    let mut pair = Pair::resumable();
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    pair.run();
    pair.acceptor.engine.respond(pair.now, id, Ok(b"y"));
    pair.acceptor.transmit();
    pair.cut();
    assert!(pair.resume());
    pair.run();
    assert_eq!(responses(&pair.dialer.take()), [(id, Ok(b"y".to_vec()))]);
}

/// `[L4.seq.1]`, `[L4.resume.7]`, `[L1.order.4]`: what is sent again has its number and comes before what is new.
#[test]
fn old_messages_come_first_and_numbered() {
    let mut pair = Pair::resumable();
    let call =
        |pair: &mut Pair| pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    let old: Vec<u64> = (0..3).map(|_| call(&mut pair)).collect();
    pair.dialer.transmit();
    pair.cut();
    let new = call(&mut pair);
    let (mut fresh, answer) = pair.offer_again();
    pair.reach_dialer(&answer);
    let batch = pair.dialer.transmit();
    assert_eq!(numbers(&batch), [1, 2, 3]);
    fresh.feed(pair.now, &batch);
    assert!(pair.take_over(fresh));
    assert_eq!(calls(&pair.acceptor.take()), [old, vec![new]].concat());
}

/// `[L4.replay.3]`: a group that was cut off in the middle comes again whole; one that was done
/// does, too, if it must.
#[test]
fn half_a_message_is_sent_again_whole() {
    for batches in 1..6 {
        let mut pair = Pair::resumable();
        let large = vec![7; 200 << 10];
        let id = pair.dialer.engine.call(pair.now, &request("a.b", &large)).expect("room");
        for batch in 0..batches {
            let bytes = pair.dialer.transmit();
            if batch % 2 == 0 {
                pair.reach_acceptor(&bytes);
            }
        }
        // Gone with the link, unless it was the first.
        pair.cut();
        assert_eq!(pair.acceptor.engine.assembler.held(), (0, 0));
        assert!(pair.resume());
        pair.run();
        let events = pair.acceptor.take();
        let whole =
            |event: &Event| matches!(event, Event::Call { payload: Some(p), .. } if *p == large);
        assert_eq!(events.iter().filter(|event| whole(event)).count(), 1, "{batches}");
        assert_eq!(calls(&events), [id]);
    }
}

/// `[L4.resume.3]`: zero messages are a position like any other.
#[test]
fn a_session_without_messages_resumes() {
    let mut pair = Pair::resumable();
    for epoch in 1..5 {
        pair.cut();
        assert!(pair.resume());
        assert_eq!((pair.dialer.engine.epoch(), pair.acceptor.engine.epoch()), (epoch, epoch));
    }
    pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    pair.run();
    assert_eq!(calls(&pair.acceptor.take()).len(), 1);
}

/// `[L4.resume.5]`: a confirmation that was lost leaves the acceptor behind; the next attempt
/// succeeds all the same.
#[test]
fn lost_answers_and_confirmations_do_no_harm() {
    let mut pair = Pair::resumable();
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    pair.dialer.transmit();
    pair.cut();
    // The answer is lost.
    pair.offer_again();
    pair.dialer.engine.handle_link_down(pair.now, &Status::new(Code::Unavailable, "cut"));
    // The confirmation is lost.
    let (_, answer) = pair.offer_again();
    pair.reach_dialer(&answer);
    pair.dialer.transmit();
    assert_eq!(pair.dialer.engine.phase(), Phase::Ready);
    pair.dialer.engine.handle_link_down(pair.now, &Status::new(Code::Unavailable, "cut"));
    assert!(pair.resume());
    pair.run();
    assert_eq!(calls(&pair.acceptor.take()), [id]);
}

/// `[L4.fence.1]`: the link before is fenced: what still comes over it does not count, and it is
/// told why.
#[test]
fn a_newer_link_fences_the_older() {
    let mut pair = Pair::resumable();
    let old = pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    let late = pair.dialer.transmit();
    // Only the dialer knows that the link is dead.
    pair.dialer.engine.handle_link_down(pair.now, &Status::new(Code::Unavailable, "cut"));
    let (mut fresh, answer) = pair.offer_again();
    // In between the old link brings what it had.
    pair.reach_acceptor(&late);
    assert_eq!(calls(&pair.acceptor.take()), [old]);
    pair.reach_dialer(&answer);
    let confirm = pair.dialer.transmit();
    fresh.feed(pair.now, &confirm);
    assert!(pair.take_over(fresh));
    pair.run();
    // The message came twice, and was taken once.
    assert!(calls(&pair.acceptor.take()).is_empty());
    assert_eq!(pair.acceptor.engine.phase(), Phase::Ready);
    let (code, message) = last_words(&Engine::fenced());
    assert_eq!(code, Code::Aborted);
    assert!(message.starts_with("[L4.fence.1]"), "{message}");
}

/// `[L4.resume.7]`: what the old link brings while another takes over may be more than the new link
/// has brought when the acceptor says so. What comes then has its own number, and is not taken for
/// something else.
#[test]
fn a_receipt_may_overtake_what_is_sent_again() {
    for new in [false, true] {
        let mut pair = Pair::resumable();
        let part = vec![7; 12 << 10];
        let calls_made = 12;
        let call = |pair: &mut Pair, bytes: &[u8]| {
            pair.dialer.engine.call(pair.now, &request("a.b", bytes)).expect("room")
        };
        let mut ids: Vec<u64> = (0..calls_made).map(|_| call(&mut pair, &part)).collect();
        let late: Vec<Vec<u8>> = (0..3).map(|_| pair.dialer.transmit()).collect();
        // Only the dialer knows that the link is dead.
        pair.dialer.engine.handle_link_down(pair.now, &Status::new(Code::Unavailable, "cut"));
        let (mut fresh, answer) = pair.offer_again();
        // In between the old link brings all of it, though the answer says that nothing came.
        late.iter().for_each(|bytes| pair.reach_acceptor(bytes));
        pair.reach_dialer(&answer);
        let confirm = pair.dialer.transmit();
        fresh.feed(pair.now, &confirm);
        assert!(pair.take_over(fresh));
        // One batch went with the proof; the receipt is there before the next.
        let receipt = pair.acceptor.transmit();
        pair.reach_dialer(&receipt);
        if new {
            ids.push(call(&mut pair, b"new"));
        }
        pair.run();
        ids.push(call(&mut pair, b"newer"));
        pair.run();
        assert_eq!(calls(&pair.acceptor.take()), ids);
        assert_eq!(pair.acceptor.engine.phase(), Phase::Ready);
        pair.pass(Duration::from_millis(30));
        assert_eq!(pair.dialer.engine.replay_bytes(), 0, "and all of it has its receipt");
    }
}

/// `[L4.fence.2]`: of two links that want the same session, the one that proves it last has it;
/// the other's engine is told that it came too late.
#[test]
fn of_two_resumes_one_wins() {
    let mut pair = Pair::resumable();
    pair.cut();
    let (mut slow, answer) = pair.offer_again();
    pair.reach_dialer(&answer);
    let confirm = pair.dialer.transmit();
    slow.feed(pair.now, &confirm);
    let events = slow.take();
    let [Event::Handover { attachment }] = &events[..] else { panic!("{events:?}") };
    assert!(pair.acceptor.engine.attach(pair.now, attachment));
    assert!(!pair.acceptor.engine.attach(pair.now, attachment), "a link is attached once");
}

/// `[L4.resume.4]`: without the secret nobody resumes, and nothing happens to the session.
#[test]
fn a_stranger_cannot_resume() {
    let mut pair = Pair::resumable();
    pair.cut();
    let mut other = Pair::resumable_with(Limits::default(), Limits::default());
    // Knows the session's name, since all tests use one, but was made with other randomness.
    other.dialer.engine.handle_link_down(pair.now, &Status::new(Code::Unavailable, "cut"));
    let fake = {
        let mut engine = other.dialer;
        engine.engine.handle_link_up_with(pair.now, LinkFacts::random([77; 32]));
        engine
    };
    other.dialer = fake;
    let offer = other.dialer.transmit();
    let mut gate = pair.gate();
    gate.feed(pair.now, &offer);
    gate.engine.accept_resume(pair.now, pair.acceptor.engine.ticket().expect("resumable"));
    let _answer = gate.transmit();
    let proof = super::raw::Raw::of(super::raw::HELLO)
        .reference(2)
        .payload(&[&[0xa1, 0, 0x58, 32][..], &[9; 32]].concat());
    gate.feed(pair.now, &proof.frame());
    let (code, message) = last_words(&gate.transmit());
    assert_eq!(code, Code::PermissionDenied);
    assert!(message.starts_with("[L4.resume.4]"), "{message}");
    assert_eq!(pair.acceptor.engine.phase(), Phase::Detached);
    assert!(pair.resume());
}

/// `[L4.resume.4]`: a proof holds for its two nonces only: a confirmation that was overheard opens
/// nothing, and an answer that was overheard convinces nobody.
#[test]
fn a_proof_cannot_be_replayed() {
    let mut pair = Pair::resumable();
    pair.cut();
    let (mut fresh, old_answer) = pair.offer_again();
    pair.reach_dialer(&old_answer);
    let old_confirm = pair.dialer.transmit();
    fresh.feed(pair.now, &old_confirm);
    assert!(pair.take_over(fresh));
    pair.cut();
    // The dialer draws another nonce, so the old answer's proof is not for it.
    pair.dialer.engine.handle_link_up_with(pair.now, LinkFacts::random([5; 32]));
    pair.dialer.transmit();
    pair.dialer.take();
    pair.reach_dialer(&old_answer);
    let told = pair.dialer.take();
    assert!(
        matches!(&told[..], [Event::Detached { reason }]
        if reason.message().starts_with("[L4.resume.4]")),
        "{told:?}"
    );
    // Nor is the old confirmation for the acceptor's new answer.
    let (mut fresh, _) = pair.offer_again();
    fresh.feed(pair.now, &old_confirm);
    let (_, message) = last_words(&fresh.transmit());
    assert!(message.starts_with("[L4.resume.4]"), "{message}");
}

/// `[L4.resume.2]`: what the link exports goes into the secret and into the proof.
#[test]
fn a_binding_binds() {
    let bound = |random: u8, binding: u8| LinkFacts::random([random; 32]).binding([binding; 32]);
    for (dialers, works) in [(8, true), (9, false)] {
        let mut pair = Pair::resumable();
        pair.cut();
        pair.dialer.engine.handle_link_up_with(pair.now, bound(3, dialers));
        let offer = pair.dialer.transmit();
        let mut gate = pair.gate();
        gate.engine.facts = bound(4, 8);
        gate.feed(pair.now, &offer);
        gate.engine.accept_resume(pair.now, pair.acceptor.engine.ticket().expect("resumable"));
        let answer = gate.transmit();
        pair.reach_dialer(&answer);
        assert_eq!(pair.dialer.engine.phase() == Phase::Ready, works);
    }
}

/// `[L4.resume.6]`: what cannot be sent again is said at once, and the session is over, at both
/// sides.
#[test]
fn a_gap_ends_the_session() {
    let mut pair = Pair::resumable();
    for _ in 0..3 {
        pair.dialer.engine.notify(pair.now, &request("a.b", b"x")).expect("room");
    }
    // They never arrive, and somebody says that they did.
    pair.dialer.transmit();
    pair.reach_dialer(&receipt(3));
    pair.cut();
    pair.dialer.take();
    pair.dialer.engine.handle_link_up_with(pair.now, LinkFacts::random([3; 32]));
    let offer = pair.dialer.transmit();
    let mut gate = pair.gate();
    gate.feed(pair.now, &offer);
    gate.engine.accept_resume(pair.now, pair.acceptor.engine.ticket().expect("resumable"));
    let refusal = gate.transmit();
    pair.reach_dialer(&refusal);
    let told = pair.dialer.take();
    assert!(matches!(&told[..], [.., Event::Closed { reason: Some(_) }]), "{told:?}");
}

/// `[L4.seq.2]`: a message that is numbered too high ends the session, one that is numbered too
/// low is dropped.
#[test]
fn numbers_are_held_to() {
    let numbered = |seq: u8, id| frame(SEQ, &[vec![seq], super::raw::call(id).body()].concat());
    let mut pair = Pair::resumable();
    pair.reach_acceptor(&numbered(1, 3));
    pair.reach_acceptor(&numbered(1, 5));
    assert_eq!(calls(&pair.acceptor.take()), [3]);
    pair.reach_acceptor(&numbered(3, 7));
    let (code, message) = last_words(&pair.acceptor.transmit());
    assert_eq!(code, Code::DataLoss);
    assert!(message.starts_with("[L4.seq.2]"), "{message}");
}

/// `[L1.seq.1]`: SEQ has its place on what completes a message.
#[test]
fn seq_has_its_place() {
    for flags in [SEQ | GROUP | crate::engine::frame::MORE, SEQ | crate::engine::frame::VOLATILE] {
        let mut pair = Pair::resumable();
        pair.reach_acceptor(&frame(flags, &[1, 1, 0]));
        let (_, message) = last_words(&pair.acceptor.transmit());
        assert!(message.starts_with("[L1.seq.1]"), "{message}");
    }
}

/// `[L4.detached.1]`: a session waits for another link for as long as its side says; then what is
/// open ends by the one table.
#[test]
fn a_detached_session_ends_in_the_end() {
    let mut pair = Pair::resumable();
    let sent = pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    pair.run();
    pair.cut();
    let unsent = pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    assert!(!pair.dialer.engine.has_output(), "there is no link");
    pair.pass(Duration::from_secs(119));
    assert_eq!(pair.dialer.engine.phase(), Phase::Detached);
    pair.pass(Duration::from_secs(1));
    let events = pair.dialer.take();
    let ended = [(sent, Err(Code::Indeterminate)), (unsent, Err(Code::Unavailable))];
    assert_eq!(responses(&events), ended);
    assert!(matches!(events.last(), Some(Event::Closed { reason: Some(_) })));
    assert!(matches!(pair.acceptor.take().last(), Some(Event::Closed { .. })));
}

/// `[L4.lost.2]`: a stream that is lost with its session says how far it came.
#[test]
fn a_lost_stream_tells_its_position() {
    let mut pair = Pair::resumable();
    let opened = pair.dialer.engine.open_stream(pair.now, &request("a.b", b"x"), true, None);
    let id = opened.expect("room");
    pair.run();
    for item in [b"1", b"2", b"3"] {
        pair.acceptor.engine.send_item(pair.now, id, item).expect("credit");
    }
    pair.run();
    pair.cut();
    pair.dialer.take();
    pair.pass(Duration::from_secs(120));
    let ends = pair.dialer.take();
    let told = ends.iter().find_map(|event| match event {
        Event::StreamEnd { outcome: Err(status), .. } => Some(status.message().to_owned()),
        _ => None,
    });
    assert!(told.as_ref().is_some_and(|text| text.ends_with("; 3 items had come")), "{told:?}");
}

/// `[L4.detached.2]`: what is sent without a link waits for one, within the outbox's bound.
#[test]
fn what_is_sent_meanwhile_waits_within_a_bound() {
    let mut pair = Pair::resumable();
    pair.cut();
    let payload = [0; 1_000];
    let mut count = 0;
    loop {
        match pair.dialer.engine.notify(pair.now, &request("a.b", &payload)) {
            Ok(()) => count += 1,
            Err(Refusal::Blocked) => break,
            Err(other) => panic!("{other:?}"),
        }
    }
    let bytes = pair.dialer.engine.outbox_bytes();
    assert!((256 << 10..258 << 10).contains(&bytes), "{bytes}");
    assert!(pair.resume());
    pair.run();
    let came = pair.acceptor.take();
    assert_eq!(came.iter().filter(|event| matches!(event, Event::Call { .. })).count(), count);
}

/// `[L4.beat.2]`: a peer from whom nothing comes has lost its link, not its session.
#[test]
fn silence_costs_the_link_only() {
    let mut pair = Pair::resumable();
    pair.now = pair.now + Duration::from_secs(25);
    pair.dialer.engine.handle_timeout(pair.now);
    assert!(matches!(pair.dialer.take()[..], [Event::Detached { .. }]));
    pair.acceptor.engine.handle_timeout(pair.now);
    assert!(pair.resume());
}

/// `[L4.bye.4]`: whoever closes has the receipt for its last words; a link that dies before leaves
/// the session to be resumed, and nothing is lost.
#[test]
fn a_goodbye_waits_for_its_receipts() {
    let mut pair = Pair::resumable();
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    pair.run();
    pair.acceptor.engine.respond(pair.now, id, Ok(b"y"));
    pair.acceptor.engine.close(pair.now, None);
    pair.dialer.engine.close(pair.now, None);
    pair.acceptor.transmit();
    let bye = pair.dialer.transmit();
    pair.reach_acceptor(&bye);
    pair.acceptor.transmit();
    pair.cut();
    assert!(pair.resume());
    pair.run();
    assert_eq!(responses(&pair.dialer.take()), [(id, Ok(b"y".to_vec()))]);
    assert_eq!(pair.dialer.engine.phase(), Phase::Closed);
    pair.run();
    let closed = pair.acceptor.take();
    assert!(matches!(closed.last(), Some(Event::Closed { reason: None })), "{closed:?}");
}

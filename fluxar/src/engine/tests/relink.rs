//! How a session goes on or ends where links and last words cross. Each was found by the simulator
//! or by reading.

use super::pair::{Pair, request};
use crate::config::Limits;
use crate::engine::event::{Event, PublishOptions};
use crate::engine::frame;
use crate::engine::message::envelope::Outgoing;
use crate::engine::message::kind::Kind;
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::LinkFacts;
use crate::error::{Code, Status};
use std::time::Duration;

fn closed(events: &[Event]) -> Option<Option<Code>> {
    let read = |event: &Event| match event {
        Event::Closed { reason } => Some(reason.as_ref().map(Status::code)),
        _ => None,
    };
    events.iter().find_map(read)
}

fn detached(events: &[Event]) -> Option<Code> {
    let read = |event: &Event| match event {
        Event::Detached { reason } => Some(reason.code()),
        _ => None,
    };
    events.iter().find_map(read)
}

fn goodbye(status: Option<&Status>) -> Vec<u8> {
    let mut out = Vec::new();
    let message = Outgoing::new(Kind::Cancel).with_error(status);
    frame::put_whole(&mut out, 0, |out| message.put(out));
    out
}

/// `[L4.bye.4]`: both have said goodbye, and an answer has not left yet. The receipt for what left
/// before it is no reason to close, nor is the end of the link.
#[test]
fn an_answer_that_has_not_left_keeps_the_session() {
    let mut pair = Pair::resumable();
    let id = pair.acceptor.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    pair.run();
    pair.dialer.engine.close(pair.now, None);
    pair.acceptor.engine.close(pair.now, None);
    let (there, back) = (pair.dialer.transmit(), pair.acceptor.transmit());
    pair.reach_acceptor(&there);
    pair.reach_dialer(&back);
    pair.dialer.engine.respond(pair.now, id, Ok(b"y"));
    let receipt = pair.acceptor.transmit();
    pair.reach_dialer(&receipt);
    assert_eq!(pair.dialer.engine.phase(), Phase::Draining);
    pair.cut();
    assert_eq!(pair.dialer.engine.phase(), Phase::Detached);
    assert!(pair.resume());
    pair.run();
    let heard = pair.acceptor.take();
    let answer = |event: &Event| matches!(event, Event::Response { outcome: Ok(_), .. });
    assert!(heard.iter().any(answer), "{heard:?}");
    assert_eq!(closed(&heard), Some(None));
    assert_eq!(closed(&pair.dialer.take()), Some(None));
}

/// `[L4.bye.1]`: what nobody answers goes before the goodbye, too, however large it is: the other
/// side may close as soon as it has that.
#[test]
fn a_large_notification_goes_before_the_goodbye() {
    let large = vec![7; 200 << 10];
    for mut pair in [Pair::ready(), Pair::resumable()] {
        pair.dialer.engine.notify(pair.now, &request("a.b", &large)).expect("room");
        let options = PublishOptions::default();
        pair.dialer.engine.publish(pair.now, "c.d", &large, &options).expect("room");
        pair.dialer.engine.close(pair.now, None);
        pair.run();
        let came = pair.acceptor.take();
        let both = [
            came.iter().any(|event| matches!(event, Event::Call { id: None, .. })),
            came.iter().any(|event| matches!(event, Event::Publish { .. })),
        ];
        assert_eq!(both, [true; 2]);
        pair.acceptor.engine.notification_ended(pair.now);
        pair.run();
        assert_eq!(closed(&pair.dialer.take()), Some(None));
    }
}

/// `[L4.bye.6]`: an abort while everything is sent again is no message that was taken before.
#[test]
fn an_abort_in_the_middle_of_a_replay_is_heard() {
    let mut pair = Pair::resumable();
    let large = vec![7; 100 << 10];
    for _ in 0..3 {
        pair.dialer.engine.notify(pair.now, &request("a.b", &large)).expect("room");
    }
    let mut late = Vec::new();
    while let batch = pair.dialer.transmit()
        && !batch.is_empty()
    {
        late.push(batch);
    }
    let reason = Status::new(Code::Unavailable, "cut");
    pair.dialer.engine.handle_link_down(pair.now, &reason);
    let (mut fresh, answer) = pair.offer_again();
    // The acceptor takes all of it over the old link, and says so too late.
    late.iter().for_each(|batch| pair.reach_acceptor(batch));
    pair.reach_dialer(&answer);
    let batch = pair.dialer.transmit();
    fresh.feed(pair.now, &batch);
    assert!(pair.take_over(fresh));
    let broken = Status::new(Code::Internal, "the application broke");
    pair.dialer.engine.close(pair.now, Some(&broken));
    let words = pair.dialer.transmit();
    pair.reach_acceptor(&words);
    assert_eq!(closed(&pair.acceptor.take()), Some(Some(Code::Internal)));
}

/// `[L4.bound.5]`: the time without a link does not count as time in which a message should have
/// come.
#[test]
fn a_long_time_without_a_link_makes_the_next_one_no_slow_one() {
    let mut pair = Pair::resumable();
    pair.cut();
    pair.now = pair.now + Duration::from_secs(100);
    assert!(pair.resume());
    let large = vec![7; 20 << 10];
    pair.dialer.engine.notify(pair.now, &request("a.b", &large)).expect("room");
    let batch = pair.dialer.transmit();
    // Half of it is there when somebody looks for the first time.
    pair.reach_acceptor(&batch[..batch.len() / 2]);
    let due = pair.now + Duration::from_secs(5);
    pair.now = due;
    pair.acceptor.engine.handle_timeout(due);
    assert_eq!(pair.acceptor.engine.phase(), Phase::Ready);
    pair.reach_acceptor(&batch[batch.len() / 2..]);
    assert!(pair.acceptor.take().iter().any(|event| matches!(event, Event::Call { .. })));
}

/// `[L4.resume.8]`: whoever has not proved that the session is its own says goodbye for its link
/// only.
#[test]
fn a_goodbye_instead_of_an_answer_costs_the_link() {
    let late = Status::new(Code::DeadlineExceeded, "[L4.phase.3] too late");
    let wrong = Status::new(Code::InvalidArgument, "[L4.body.1] what is that?");
    for status in [Some(&late), None, Some(&wrong)] {
        let mut pair = Pair::resumable();
        pair.cut();
        pair.dialer.take();
        pair.dialer.engine.handle_link_up_with(pair.now, LinkFacts::random([3; 32]));
        pair.dialer.transmit();
        pair.reach_dialer(&goodbye(status));
        let events = pair.dialer.take();
        let reason = status.map_or(Code::Unavailable, Status::code);
        assert_eq!((detached(&events), closed(&events)), (Some(reason), None), "{events:?}");
        assert!(pair.resume());
    }
}

/// `[L4.resume.8]`: the same when the dialer has proved it, and before the session has spoken. Then
/// the word of the session's own counts.
#[test]
fn a_goodbye_instead_of_the_session_costs_the_link() {
    let busy = Status::new(Code::Unavailable, "nobody decided in time");
    let mut pair = Pair::resumable();
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("room");
    pair.dialer.transmit();
    pair.cut();
    let (_, answer) = pair.offer_again();
    pair.reach_dialer(&answer);
    pair.dialer.transmit();
    pair.dialer.take();
    assert!(!pair.dialer.engine.is_heard());
    pair.reach_dialer(&goodbye(Some(&busy)));
    assert_eq!(detached(&pair.dialer.take()), Some(Code::Unavailable));
    assert!(pair.resume());
    pair.run();
    assert!(pair.dialer.engine.is_heard());
    let came = |event: &Event| matches!(event, Event::Call { id: Some(call), .. } if *call == id);
    assert!(pair.acceptor.take().iter().any(came));
    pair.reach_dialer(&goodbye(Some(&busy)));
    assert_eq!(closed(&pair.dialer.take()), Some(Some(Code::Unavailable)));
}

/// `[L4.resume.9]`: an acceptor that goes on says so at once, though nothing came yet, and is not
/// charged for that.
#[test]
fn an_acceptor_that_goes_on_says_so_at_once() {
    let limits = Limits { budget_burst: 3, budget_per_second: 0, ..Limits::default() };
    let mut pair = Pair::resumable_with(limits, Limits::default());
    for _ in 0..10 {
        pair.cut();
        assert!(pair.resume());
        let receipt = pair.acceptor.transmit();
        assert_eq!(super::receipts::receipts(&receipt), [0]);
        pair.reach_dialer(&receipt);
        assert!(pair.dialer.engine.is_heard());
    }
    assert_eq!(pair.dialer.engine.phase(), Phase::Ready);
}

/// `[L4.calm.1]`: receipts while everything is sent again say nothing new, but free what was kept.
#[test]
fn receipts_for_what_is_sent_again_are_not_charged() {
    let limits = Limits { budget_burst: 8, budget_per_second: 0, ..Limits::default() };
    let mut pair = Pair::resumable_with(limits, Limits::default());
    let mut late = Vec::new();
    for _ in 0..2_000 {
        pair.dialer.engine.notify(pair.now, &request("a.b", &[0; 500])).expect("room");
        late.extend(pair.dialer.transmit());
    }
    let reason = Status::new(Code::Unavailable, "cut");
    pair.dialer.engine.handle_link_down(pair.now, &reason);
    let (mut fresh, answer) = pair.offer_again();
    pair.reach_acceptor(&late);
    pair.reach_dialer(&answer);
    let batch = pair.dialer.transmit();
    fresh.feed(pair.now, &batch);
    assert!(pair.take_over(fresh));
    pair.run();
    assert_eq!(pair.dialer.engine.phase(), Phase::Ready);
    assert_eq!(pair.dialer.engine.replay_bytes(), 0);
}

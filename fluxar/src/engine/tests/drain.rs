//! Goodbyes, aborts, and lost links.

use super::pair::{Pair, request};
use super::raw::{CANCEL, Raw, call, frames, last_words};
use crate::config::Limits;
use crate::engine::event::{Event, Refusal};
use crate::engine::session::auth::Identity;
use crate::engine::session::phase::Phase;
use crate::error::{Code, Origin, Status};
use std::time::Duration;

fn closed_well(events: &[Event]) -> bool {
    matches!(events.last(), Some(Event::Closed { reason: None }))
}

fn code_of(event: &Event) -> Code {
    match event {
        Event::Response { outcome: Err(status), .. } => status.code(),
        other => panic!("{other:?}"),
    }
}

fn cut() -> Status {
    Status::new(Code::Unavailable, "cut")
}

/// `[L4.bye.2]`, `[L4.bye.4]`: with nothing open both close at once.
#[test]
fn an_idle_goodbye() {
    let mut pair = Pair::ready();
    pair.dialer.engine.close(pair.now, None);
    pair.dialer.engine.close(pair.now, None);
    pair.run();
    for end in [&mut pair.dialer, &mut pair.acceptor] {
        let events = end.take();
        assert!(
            matches!(events[..], [Event::Draining, Event::Closed { reason: None }]),
            "{events:?}"
        );
        assert_eq!(end.engine.poll_timeout(), None);
    }
}

/// `[L4.bye.2]`: two goodbyes that cross are one.
#[test]
fn goodbyes_cross() {
    let mut pair = Pair::ready();
    pair.dialer.engine.close(pair.now, None);
    pair.acceptor.engine.close(pair.now, None);
    let (there, back) = (pair.dialer.transmit(), pair.acceptor.transmit());
    assert_eq!(there, Raw::of(CANCEL).frame());
    pair.reach_acceptor(&there);
    pair.reach_dialer(&back);
    assert!(closed_well(&pair.dialer.take()) && closed_well(&pair.acceptor.take()));
    assert!(pair.dialer.transmit().is_empty(), "a goodbye is said once");
}

/// `[L4.bye.1]`, `[L4.bye.3]`: nothing is opened any more, and what crosses is `unavailable`.
#[test]
fn draining_takes_nothing_new() {
    let mut pair = Pair::ready();
    let open = pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("room");
    pair.run();
    pair.acceptor.take();
    pair.acceptor.engine.close(pair.now, None);
    let crossing = pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("room");
    let stream = pair.dialer.engine.open_stream(pair.now, &request("a.b", b""), false, None);
    stream.expect("room");
    pair.run();
    assert!(matches!(pair.acceptor.take()[..], [Event::Draining]), "no handler sees it");
    let events = pair.dialer.take();
    let refused = |event: &Event| {
        matches!(event,
            Event::Response { id, outcome: Err(status) }
                if *id == crossing && status.code() == Code::Unavailable)
    };
    assert!(events.iter().any(refused), "{events:?}");
    for end in [&mut pair.dialer, &mut pair.acceptor] {
        let refused = end.engine.call(pair.now, &request("a.b", b""));
        assert!(
            matches!(refused, Err(Refusal::Status(status)) if status.code() == Code::Unavailable)
        );
    }
    pair.acceptor.engine.respond(pair.now, open, Ok(b"done"));
    pair.run();
    let events = pair.dialer.take();
    assert!(matches!(events[0], Event::Response { outcome: Ok(_), .. }) && closed_well(&events));
    assert!(closed_well(&pair.acceptor.take()));
}

/// `[L4.bye.4]`: the last words may be long, and still arrive.
#[test]
fn a_large_answer_is_not_cut_off() {
    let mut pair = Pair::ready();
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("room");
    pair.run();
    pair.acceptor.engine.close(pair.now, None);
    pair.run();
    pair.acceptor.engine.respond(pair.now, id, Ok(&vec![1; 1 << 20]));
    assert_eq!(pair.acceptor.engine.phase(), Phase::Draining, "it is not all sent");
    pair.run();
    let events = pair.dialer.take();
    assert!(
        matches!(&events[..], [Event::Draining, Event::Response { outcome: Ok(answer), .. }, _]
            if answer.len() == 1 << 20),
        "{events:?}"
    );
    assert!(closed_well(&events) && closed_well(&pair.acceptor.take()));
}

/// `[L4.bye.1]`: a goodbye does not overtake a large call that was made before it.
#[test]
fn a_large_call_before_the_goodbye() {
    let mut pair = Pair::ready();
    let id = pair.dialer.engine.call(pair.now, &request("a.b", &vec![1; 1 << 20])).expect("room");
    pair.dialer.engine.close(pair.now, None);
    pair.run();
    let events = pair.acceptor.take();
    assert!(matches!(events[..], [Event::Call { .. }, Event::Draining]), "{events:?}");
    pair.acceptor.engine.respond(pair.now, id, Ok(b"done"));
    pair.run();
    let events = pair.dialer.take();
    assert!(matches!(events[1], Event::Response { outcome: Ok(_), .. }), "{events:?}");
    assert!(closed_well(&events) && closed_well(&pair.acceptor.take()));
}

/// `[L4.bye.4]`: a stream drains as well; subscriptions do not hold a session open.
#[test]
fn streams_drain_and_subscriptions_do_not() {
    let mut pair = Pair::ready();
    let stream = pair.dialer.engine.open_stream(pair.now, &request("a.b", b""), true, None);
    let stream = stream.expect("room");
    pair.dialer.engine.subscribe(pair.now, "a.b", &Default::default()).expect("room");
    pair.run();
    pair.dialer.engine.close(pair.now, None);
    pair.run();
    assert_eq!(pair.dialer.engine.phase(), Phase::Draining);
    pair.acceptor.engine.send_item(pair.now, stream, b"last").expect("credit");
    pair.acceptor.engine.end_stream(pair.now, stream, Ok(None));
    pair.run();
    let events = pair.dialer.take();
    assert!(
        matches!(
            events[..],
            [
                Event::Draining,
                Event::Items { .. },
                Event::StreamEnd { outcome: Ok(None), .. },
                Event::SubscriptionEnd { status: None, .. },
                Event::Closed { reason: None },
            ]
        ),
        "{events:?}"
    );
}

/// `[L4.bye.4]`: the handler of a notification holds the session open, too.
#[test]
fn notifications_drain() {
    let mut pair = Pair::ready();
    pair.dialer.engine.notify(pair.now, &request("a.b", b"")).expect("room");
    pair.run();
    pair.acceptor.engine.close(pair.now, None);
    pair.acceptor.transmit();
    pair.reach_acceptor(&Raw::of(CANCEL).frame());
    assert_eq!(pair.acceptor.engine.phase(), Phase::Draining);
    pair.acceptor.engine.notification_ended(pair.now);
    assert!(closed_well(&pair.acceptor.take()));
}

/// `[L4.bye.5]`: draining takes 5 s at most.
#[test]
fn draining_has_an_end() {
    let mut pair = Pair::ready();
    pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("room");
    pair.run();
    pair.acceptor.take();
    pair.dialer.engine.close(pair.now, None);
    pair.run();
    pair.now = pair.now + Duration::from_millis(4_999);
    pair.dialer.engine.handle_timeout(pair.now);
    assert_eq!(pair.dialer.engine.phase(), Phase::Draining);
    pair.now = pair.now + Duration::from_millis(1);
    pair.dialer.engine.handle_timeout(pair.now);
    pair.acceptor.engine.handle_timeout(pair.now);
    let events = pair.dialer.take();
    assert_eq!(code_of(&events[1]), Code::Indeterminate, "{events:?}");
    assert!(matches!(events[2], Event::Closed { reason: Some(_) }), "{events:?}");
    let events = pair.acceptor.take();
    assert!(matches!(events[1], Event::Cancelled { .. }), "{events:?}");
    assert_eq!(pair.dialer.engine.open_items() + pair.acceptor.engine.open_items(), 0);
}

/// `[L4.bye.6]`: an abort ends everything at both sides, now, and is not answered.
#[test]
fn abort() {
    let mut pair = Pair::ready();
    pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("room");
    pair.run();
    pair.acceptor.take();
    pair.acceptor.engine.close(pair.now, Some(&Status::new(Code::Aborted, "the power goes")));
    let batch = pair.acceptor.transmit();
    assert_eq!(last_words(&batch), (Code::Aborted, "the power goes".to_owned()));
    pair.reach_dialer(&batch);
    let events = pair.dialer.take();
    assert_eq!(code_of(&events[0]), Code::Indeterminate);
    assert!(
        matches!(&events[1], Event::Closed { reason: Some(status) }
        if status.code() == Code::Aborted && status.origin() == Origin::Peer),
        "{events:?}"
    );
    assert!(pair.dialer.transmit().is_empty());
    let events = pair.acceptor.take();
    assert!(matches!(events[..], [Event::Cancelled { .. }, Event::Closed { .. }]), "{events:?}");
}

/// `[L4.lost.1]`, `[L3.code.1]`: what an abort calls unsent is not sent behind its back.
#[test]
fn an_abort_sends_nothing_else() {
    let mut pair = Pair::ready();
    pair.dialer.engine.call(pair.now, &request("small", b"")).expect("room");
    pair.dialer.engine.call(pair.now, &request("large", &vec![1; 1 << 20])).expect("room");
    pair.dialer.engine.close(pair.now, Some(&Status::new(Code::Aborted, "enough")));
    let events = pair.dialer.take();
    assert_eq!((code_of(&events[0]), code_of(&events[1])), (Code::Unavailable, Code::Unavailable));
    assert_eq!(frames(&pair.dialer.transmit()).len(), 1, "the goodbye alone");
}

/// `[L4.lost.1]`: unsent is `unavailable`, sent is `indeterminate`; a call of which the last
/// fragment had not left was never sent.
#[test]
fn a_lost_link() {
    let limits = Limits { outbox_soft_bytes: 4 << 20, ..Limits::default() };
    let mut pair = Pair::with(limits, Limits::default(), Identity::anonymous());
    let sent = pair.dialer.engine.call(pair.now, &request("a", b"")).expect("room");
    let large = vec![1; 1 << 20];
    let half_sent = pair.dialer.engine.call(pair.now, &request("b", &large)).expect("room");
    pair.dialer.transmit();
    let unsent = pair.dialer.engine.call(pair.now, &request("c", b"")).expect("room");
    let abandoned = pair.dialer.engine.call(pair.now, &request("d", b"")).expect("room");
    pair.dialer.engine.abandon(pair.now, abandoned);
    pair.dialer.engine.handle_link_down(pair.now, &cut());
    let events = pair.dialer.take();
    let outcomes: Vec<(u64, Code)> = events[..3]
        .iter()
        .map(|event| match event {
            Event::Response { id, outcome: Err(status) } => {
                assert_eq!(status.origin(), Origin::Link);
                (*id, status.code())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let expected =
        [(sent, Code::Indeterminate), (half_sent, Code::Unavailable), (unsent, Code::Unavailable)];
    assert_eq!(outcomes, expected);
    assert!(matches!(events[3..], [Event::Closed { reason: Some(_) }]), "{events:?}");
    assert!(pair.dialer.transmit().is_empty() && pair.dialer.engine.outbox_bytes() == 0);
    assert_eq!(pair.dialer.engine.open_items(), 0);
}

/// `[L4.lost.1]`: a large call is `indeterminate` once its last fragment has left, not before.
#[test]
fn the_last_fragment_decides() {
    for whole in [false, true] {
        let mut pair = Pair::ready();
        pair.dialer.engine.call(pair.now, &request("a.b", &vec![1; 100_000])).expect("room");
        pair.dialer.transmit();
        assert!(pair.dialer.engine.outbox_bytes() > 0);
        if whole {
            pair.dialer.transmit();
            assert_eq!(pair.dialer.engine.outbox_bytes(), 0);
        }
        pair.dialer.engine.handle_link_down(pair.now, &cut());
        let code = code_of(&pair.dialer.take()[0]);
        assert_eq!(code, if whole { Code::Indeterminate } else { Code::Unavailable });
    }
}

/// `[L4.bye.4]`: a link that goes down when all is said is no loss.
#[test]
fn a_link_down_after_the_goodbyes() {
    let mut pair = Pair::ready();
    pair.dialer.engine.close(pair.now, None);
    pair.dialer.transmit();
    pair.dialer.engine.handle_link_down(pair.now, &cut());
    assert!(closed_well(&pair.dialer.take()));
    pair.acceptor.engine.handle_link_down(pair.now, &cut());
    let events = pair.acceptor.take();
    assert!(matches!(&events[..], [Event::Closed { reason: Some(_) }]), "nobody said goodbye here");
    // And once is enough.
    pair.acceptor.engine.handle_link_down(pair.now, &cut());
    pair.acceptor.engine.close(pair.now, None);
    assert!(pair.acceptor.take().is_empty());
}

/// `[L4.bye.4]`: a peer that has heard and said goodbye may close the link while the handler of a
/// notification still runs: that is no loss either.
#[test]
fn a_link_down_during_a_notification() {
    let mut pair = Pair::ready();
    pair.dialer.engine.notify(pair.now, &request("a.b", b"")).expect("room");
    pair.dialer.engine.close(pair.now, None);
    pair.run();
    assert!(closed_well(&pair.dialer.take()), "the dialer waits for nothing");
    assert_eq!(pair.acceptor.engine.phase(), Phase::Draining);
    pair.acceptor.engine.handle_link_down(pair.now, &cut());
    assert!(closed_well(&pair.acceptor.take()));
}

/// A closed engine is at rest: commands are refused, answers ignored, and nothing is said.
#[test]
fn after_the_end() {
    let mut pair = Pair::ready();
    pair.reach_acceptor(&call(3).frame());
    pair.acceptor.take();
    pair.acceptor.engine.handle_link_down(pair.now, &cut());
    pair.acceptor.take();
    pair.acceptor.engine.respond(pair.now, 3, Ok(b"late"));
    assert!(pair.acceptor.engine.call(pair.now, &request("a.b", b"")).is_err());
    pair.acceptor.engine.cancel(pair.now, 4);
    pair.acceptor.engine.handle_timeout(pair.now + Duration::from_secs(60));
    assert!(pair.acceptor.take().is_empty() && pair.acceptor.transmit().is_empty());
    assert_eq!(pair.acceptor.engine.poll_timeout(), None);
}

use super::pair::{Pair, request};
use crate::config::Limits;
use crate::engine::event::{Event, PublishOptions, Refusal, Request};
use crate::engine::session::auth::Identity;
use crate::engine::session::phase::Phase;
use crate::error::{Code, Origin, Status};
use std::time::Duration;

/// `[L5.call.1]`: a call is answered once, in either direction.
#[test]
fn both_sides_call() {
    let mut pair = Pair::ready();
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("open");
    let back = pair.acceptor.engine.call(pair.now, &request("c.d", b"y")).expect("open");
    pair.run();
    let events = pair.acceptor.take();
    let [Event::Call { id: Some(seen), target, payload, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((*seen, target.as_str(), payload.as_deref()), (id, "a.b", Some(&b"x"[..])));
    pair.acceptor.engine.respond(pair.now, id, Ok(b"ok"));
    pair.dialer.engine.respond(pair.now, back, Err(&Status::new(Code::NotFound, "no")));
    pair.run();
    let events = pair.dialer.take();
    assert!(
        matches!(&events[1], Event::Response { outcome: Ok(ok), .. } if ok == "ok"),
        "{events:?}"
    );
    let events = pair.acceptor.take();
    assert!(
        matches!(&events[..], [Event::Response { outcome: Err(s), .. }] if s.code() == Code::NotFound)
    );
    assert_eq!(pair.dialer.engine.open_items() + pair.acceptor.engine.open_items(), 0);
}

/// `[L5.deadline.2]`: both sides keep the deadline.
#[test]
fn a_deadline_ends_both_sides() {
    let mut pair = Pair::ready();
    let deadline = Some(pair.now + Duration::from_millis(50));
    let asked = Request { deadline, ..request("slow", b"") };
    let id = pair.dialer.engine.call(pair.now, &asked).expect("open");
    pair.run();
    pair.acceptor.take();
    pair.pass(Duration::from_millis(60));
    let events = pair.dialer.take();
    assert!(matches!(&events[..],
        [Event::Response { outcome: Err(s), .. }] if s.code() == Code::DeadlineExceeded));
    let events = pair.acceptor.take();
    assert!(matches!(&events[..], [Event::Cancelled { id: late, .. }] if *late == id));
    pair.acceptor.engine.respond(pair.now, id, Ok(b"late"));
    pair.run();
    assert!(pair.dialer.take().is_empty(), "a late answer is not heard");
    assert_eq!(pair.dialer.engine.open_items(), 0);
}

/// `[L5.deadline.2]`: a handler that overstays may say what it likes.
#[test]
fn a_late_handler_answers_deadline_exceeded() {
    let mut pair = Pair::ready();
    let deadline = Some(pair.now + Duration::from_millis(50));
    let asked = Request { deadline, ..request("slow", b"") };
    let id = pair.dialer.engine.call(pair.now, &asked).expect("open");
    pair.run();
    // The caller's clock stands still, so that it hears what the callee says.
    let late = pair.now + Duration::from_millis(60);
    pair.acceptor.engine.handle_timeout(late);
    pair.acceptor.engine.respond(late, id, Ok(b"late"));
    pair.run();
    let events = pair.dialer.take();
    assert!(
        matches!(&events[..], [Event::Response { outcome: Err(s), .. }]
            if s.code() == Code::DeadlineExceeded && s.origin() == Origin::Peer),
        "{events:?}"
    );
}

/// `[L5.deadline.2]`: each deadline counts, whatever became of those before it.
#[test]
fn deadlines_end_one_by_one() {
    let mut pair = Pair::ready();
    let at = |pair: &Pair, millis| Some(pair.now + Duration::from_millis(millis));
    for millis in [30, 10, 20] {
        let asked = Request { deadline: at(&pair, millis), ..request("slow", b"") };
        pair.dialer.engine.call(pair.now, &asked).expect("room");
        pair.dialer.engine.open_stream(pair.now, &asked, true, None).expect("room");
    }
    pair.run();
    assert_eq!(pair.acceptor.take().len(), 6);
    for _ in 0..3 {
        pair.pass(Duration::from_millis(10));
        assert_eq!(pair.dialer.take().len(), 2, "a call and a stream");
        assert_eq!(pair.acceptor.take().len(), 2);
    }
}

/// `[L5.deadline.1]`: what the callee is given is what is left, rounded down, and never nothing.
#[test]
fn a_deadline_shrinks() {
    for (left, given) in [(50_999, 50_000), (50_000, 50_000), (1_500, 1_000), (3, 1_000)] {
        let mut pair = Pair::ready();
        let deadline = Some(pair.now + Duration::from_micros(left));
        let asked = Request { deadline, ..request("a.b", b"") };
        pair.dialer.engine.call(pair.now, &asked).expect("room");
        pair.run();
        let events = pair.acceptor.take();
        let [Event::Call { deadline: Some(heard), .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!(heard.since(pair.now), Duration::from_micros(given));
    }
    let mut pair = Pair::ready();
    let asked = Request { deadline: Some(pair.now), ..request("a.b", b"") };
    let refused = pair.dialer.engine.call(pair.now, &asked);
    assert!(matches!(refused, Err(Refusal::Status(s)) if s.code() == Code::DeadlineExceeded));
}

/// `[L4.bye.4]`: what is open finishes, then both close.
#[test]
fn goodbye_drains() {
    let mut pair = Pair::ready();
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("open");
    pair.run();
    pair.acceptor.engine.close(pair.now, None);
    pair.run();
    assert_eq!(pair.dialer.engine.phase(), Phase::Draining);
    pair.acceptor.engine.respond(pair.now, id, Ok(b"ok"));
    pair.run();
    let events = pair.dialer.take();
    assert!(
        matches!(
            &events[..],
            [
                Event::Draining,
                Event::Response { outcome: Ok(_), .. },
                Event::Closed { reason: None }
            ]
        ),
        "{events:?}"
    );
    assert_eq!(pair.acceptor.engine.phase(), Phase::Closed);
}

/// `[L5.cancel.1]`: cancelling asks; the answer still comes, once, and may be a result.
#[test]
fn cancel_is_a_question() {
    for well in [true, false] {
        let mut pair = Pair::ready();
        let id = pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("room");
        pair.dialer.engine.cancel(pair.now, id);
        pair.dialer.engine.cancel(pair.now, id);
        pair.run();
        let events = pair.acceptor.take();
        assert!(matches!(events[..], [Event::Call { .. }, Event::Cancelled { .. }]), "{events:?}");
        let failed = Status::new(Code::Internal, "dropped");
        let outcome = if well { Ok(&b"summary"[..]) } else { Err(&failed) };
        pair.acceptor.engine.respond(pair.now, id, outcome);
        pair.acceptor.engine.respond(pair.now, id, Ok(b"again"));
        pair.run();
        let events = pair.dialer.take();
        let [Event::Response { outcome, .. }] = &events[..] else { panic!("{events:?}") };
        match outcome {
            Ok(answer) => assert!(well && answer == "summary"),
            Err(status) => assert!(!well && status.code() == Code::Cancelled),
        }
    }
}

/// `[L5.cancel.4]`: an abandoned call holds its place until the answer, and nobody hears of it.
#[test]
fn abandon_is_silence() {
    let limits = Limits { calls_max: 1, ..Limits::default() };
    let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("room");
    pair.dialer.engine.abandon(pair.now, id);
    pair.run();
    let next = pair.dialer.engine.call(pair.now, &request("a.b", b""));
    assert_eq!(next, Err(Refusal::Blocked), "the handler still runs");
    pair.acceptor.engine.respond(pair.now, id, Ok(b"unheard"));
    pair.run();
    assert!(matches!(pair.dialer.take()[..], [Event::Writable]));
    assert_eq!(pair.dialer.engine.open_items(), 0);
    pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("its place is free");
}

/// `[L4.limits.1]`, `[L5.call.5]`: exactly `calls_max` run at once, and the next one waits here, or
/// is refused there.
#[test]
fn calls_max() {
    let limits = Limits { calls_max: 3, ..Limits::default() };
    let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
    let call = |pair: &mut Pair| pair.dialer.engine.call(pair.now, &request("a.b", b""));
    let first = call(&mut pair).expect("room");
    call(&mut pair).expect("room");
    call(&mut pair).expect("room");
    assert_eq!(call(&mut pair), Err(Refusal::Blocked));
    pair.run();
    assert_eq!(pair.acceptor.take().len(), 3);
    // A peer that does not wait is refused; a notification too many is dropped and counted.
    let raw = super::raw::Raw::of(super::raw::CALL).target("a.b");
    pair.reach_acceptor(&[raw.clone().id(101).frame(), raw.frame()].concat());
    assert!(pair.acceptor.take().is_empty());
    let refusal = super::raw::frames(&pair.acceptor.transmit());
    assert!(String::from_utf8_lossy(&refusal[0].2).contains("[L5.call.5]"), "{refusal:?}");
    assert_eq!(pair.acceptor.engine.notifications_dropped(), 1);
    // Cancelled is not ended.
    pair.dialer.engine.cancel(pair.now, first);
    pair.run();
    assert_eq!(call(&mut pair), Err(Refusal::Blocked));
    pair.acceptor.take();
    pair.acceptor.engine.respond(pair.now, first, Ok(b""));
    pair.run();
    let events = pair.dialer.take();
    assert!(matches!(events[..], [Event::Response { .. }, Event::Writable]), "{events:?}");
}

/// `[L5.call.5]`: a notification counts until its handler has ended.
#[test]
fn notifications_count() {
    let limits = Limits { calls_max: 1, ..Limits::default() };
    let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
    for _ in 0..2 {
        pair.dialer.engine.notify(pair.now, &request("a.b", b"x")).expect("room");
    }
    pair.run();
    let events = pair.acceptor.take();
    assert!(matches!(events[..], [Event::Call { id: None, .. }]), "{events:?}");
    pair.acceptor.engine.notification_ended(pair.now);
    pair.dialer.engine.notify(pair.now, &request("a.b", b"x")).expect("room");
    pair.run();
    assert_eq!(pair.acceptor.take().len(), 1);
    assert_eq!(pair.acceptor.engine.notifications_dropped(), 1);
}

/// `[L4.bound.1]`: callers wait while the outbox is full, and are told when it is not.
#[test]
fn a_full_outbox_blocks_callers() {
    let limits = Limits { outbox_soft_bytes: 1_000, ..Limits::default() };
    let mut pair = Pair::with(limits, Limits::default(), Identity::anonymous());
    let asked = request("a.b", &[0; 600]);
    pair.dialer.engine.call(pair.now, &asked).expect("room");
    pair.dialer.engine.call(pair.now, &asked).expect("a soft bound");
    assert_eq!(pair.dialer.engine.call(pair.now, &asked), Err(Refusal::Blocked));
    assert_eq!(pair.dialer.engine.notify(pair.now, &asked), Err(Refusal::Blocked));
    assert!(!pair.dialer.engine.want_room(2, 600));
    pair.dialer.transmit();
    assert!(matches!(pair.dialer.take()[..], [Event::Writable]), "told once");
    assert!(pair.dialer.engine.want_room(2, 600));
    pair.dialer.engine.call(pair.now, &asked).expect("room again");
}

/// `[L4.bound.1]`: a large message holds back what comes behind it, and nothing that is small.
#[test]
fn a_large_message_does_not_block_small_ones() {
    let mut pair = Pair::ready();
    let large = vec![0; 1 << 20];
    pair.dialer.engine.call(pair.now, &request("a.b", &large)).expect("room");
    assert_eq!(
        pair.dialer.engine.call(pair.now, &request("a.b", &large)),
        Err(Refusal::Blocked),
        "another large one waits"
    );
    pair.dialer.engine.call(pair.now, &request("a.b", &[0; 600])).expect("a small one does not");
    let options = PublishOptions::default();
    pair.dialer.engine.publish(pair.now, "t", &[0; 600], &options).expect("nor an event");
    assert!(pair.dialer.engine.want_room(2, 600), "nor an answer");
    assert!(!pair.dialer.engine.want_room(2, large.len()), "unless it is large");
    pair.run();
    let writable = pair.dialer.take();
    assert!(matches!(writable[..], [Event::Writable]), "told once: {writable:?}");
    assert_eq!(pair.acceptor.take().len(), 3);
}

/// `[L5.hops.1]`: a chain of 64 is the longest.
#[test]
fn chains_of_calls() {
    for (hops, runs) in [(0, true), (64, true), (65, false)] {
        let mut pair = Pair::ready();
        let asked = Request { hops, ..request("a.b", b"") };
        pair.dialer.engine.call(pair.now, &asked).expect("room");
        pair.run();
        let events = pair.acceptor.take();
        assert_eq!(matches!(&events[..], [Event::Call { meta, .. }] if meta.hops() == hops), runs);
        let answers = pair.dialer.take();
        assert_eq!(answers.is_empty(), runs, "{answers:?}");
    }
}

/// `[X.carry.1]`: what the user puts into meta arrives, whatever the order.
#[test]
fn user_meta_is_carried() {
    let mut pair = Pair::ready();
    let user_meta = [("zz", "1"), ("a", "2"), ("longer", "")].map(|(k, v)| (k.into(), v.into()));
    let asked = Request { user_meta: &user_meta, hops: 3, ..request("a.b", b"") };
    pair.dialer.engine.call(pair.now, &asked).expect("room");
    pair.run();
    let events = pair.acceptor.take();
    let [Event::Call { meta, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (meta.get("a"), meta.get("zz"), meta.get("longer")),
        (Some("2"), Some("1"), Some(""))
    );
    assert_eq!((meta.get("b"), meta.hops()), (None, 3));
    let twice = [("a", "1"), ("a", "2")].map(|(k, v)| (k.into(), v.into()));
    let asked = Request { user_meta: &twice, ..request("a.b", b"") };
    assert!(matches!(pair.dialer.engine.call(pair.now, &asked), Err(Refusal::Status(_))));
}

/// `[L3.error.1]`: a typed error arrives whole.
#[test]
fn typed_errors() {
    let mut pair = Pair::ready();
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("room");
    pair.run();
    let status = Status::new(Code::AlreadyExists, "taken")
        .with_details("users.UserError", vec![1, 2].into())
        .with_retry_after(Duration::from_millis(1_500));
    pair.acceptor.engine.respond(pair.now, id, Err(&status));
    pair.run();
    let events = pair.dialer.take();
    let [Event::Response { outcome: Err(heard), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(heard, &status.with_origin(Origin::Peer));
}

/// `[X.open.1]`: a call that asks for what is not built is refused, and names the key.
#[test]
fn reserved_keys_of_a_call() {
    use super::raw::{CALL, Raw, bytes, frames, map, text, uint};
    let position = [vec![0x82], uint(1), uint(2)].concat();
    let producer = [vec![0x83], bytes(&[1; 16]), uint(1), uint(2)].concat();
    for (key, value) in [
        (3, uint(2)),
        (9, text("somebody")),
        (12, position),
        (15, text("durable")),
        (16, producer),
        (18, bytes(b"sealed")),
        (20, uint(1)),
    ] {
        let mut pair = Pair::ready();
        let raw = Raw::of(CALL).id(3).target("a.b").meta(map(&[(uint(key), value)]));
        pair.reach_acceptor(&raw.frame());
        let answer = frames(&pair.acceptor.transmit());
        let text = String::from_utf8_lossy(&answer[0].2).into_owned();
        assert!(text.contains("[X.open.1]") && text.contains(&key.to_string()), "{key}: {text}");
        assert!(pair.acceptor.take().is_empty());
    }
}

/// `[L3.id.4]`: ids that came in fragments may be lower than the highest, but are not used twice.
#[test]
fn ids_in_fragments() {
    use super::raw::{call, fragment, last_words};
    let mut pair = Pair::ready();
    pair.reach_acceptor(&call(9).frame());
    pair.reach_acceptor(&fragment(0, 1, &call(5).body()));
    assert_eq!(pair.acceptor.take().len(), 2);
    pair.reach_acceptor(&fragment(0, 2, &call(5).body()));
    assert!(last_words(&pair.acceptor.transmit()).1.starts_with("[L3.id.4]"));
}

//! Streams: four shapes, two ends, credit, cancelling.

use super::pair::{Pair, request};
use super::raw::{ACK, CANCEL, Raw, STREAM, credit, end, frames, open as raw_open};
use crate::config::Limits;
use crate::engine::event::{Event, Refusal, Request};
use crate::engine::frame::MORE;
use crate::engine::session::auth::Identity;
use crate::error::{Code, Status};
use std::time::Duration;

/// A stream from the dialer, open at both sides.
fn open(pair: &mut Pair, half_closed: bool, credit: Option<u32>) -> u64 {
    let asked = request("a.b", b"params");
    let id = pair.dialer.engine.open_stream(pair.now, &asked, half_closed, credit).expect("room");
    pair.run();
    let events = pair.acceptor.take();
    let [Event::Stream { id: seen, half_closed: closed, payload, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((*seen, *closed, payload.as_deref()), (id, half_closed, Some(&b"params"[..])));
    id
}

fn with_credit(window: u32) -> Pair {
    let limits = Limits { initial_credit: window, ..Limits::default() };
    Pair::with(limits.clone(), limits, Identity::anonymous())
}

fn items(events: &[Event]) -> Vec<&[u8]> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Items { items, .. } => Some(items.iter()),
            _ => None,
        })
        .flatten()
        .collect()
}

fn ends_well(event: &Event, result: Option<&[u8]>) -> bool {
    matches!(event, Event::StreamEnd { outcome: Ok(end), .. } if end.as_deref() == result)
}

fn ends_with(event: &Event, code: Code) -> bool {
    matches!(event, Event::StreamEnd { outcome: Err(status), .. } if status.code() == code)
}

/// Nothing of any stream is left on either side.
fn nothing_left(pair: &Pair) {
    for end in [&pair.dialer, &pair.acceptor] {
        assert_eq!(end.engine.open_items(), 0);
        assert_eq!([true, false].map(|ours| end.engine.streams.committed(ours)), [0, 0]);
    }
}

/// `[L5.stream.1]`, `[L5.stream.6]`: params in, items out; the opener's end is in its open.
#[test]
fn a_server_stream() {
    let mut pair = Pair::ready();
    let id = open(&mut pair, true, None);
    for item in [&b"one"[..], b"", b"three"] {
        pair.acceptor.engine.send_item(pair.now, id, item).expect("credit");
    }
    pair.acceptor.engine.end_stream(pair.now, id, Ok(None));
    pair.run();
    let events = pair.dialer.take();
    assert_eq!(items(&events), [&b"one"[..], b"", b"three"]);
    assert!(ends_well(&events[1], None), "{events:?}");
    assert!(pair.acceptor.take().is_empty(), "it has ended: it hears no more");
    nothing_left(&pair);
}

/// `[L5.stream.1]`, `[L5.stream.7]`: items and end go out behind the open without waiting; the
/// result comes at the end.
#[test]
fn a_client_stream() {
    let mut pair = Pair::ready();
    let asked = Request { target: "a.b", ..Request::default() };
    let id = pair.dialer.engine.open_stream(pair.now, &asked, false, None).expect("room");
    pair.dialer.engine.send_item(pair.now, id, b"one").expect("credit");
    pair.dialer.engine.send_item(pair.now, id, b"two").expect("credit");
    pair.dialer.engine.end_stream(pair.now, id, Ok(None));
    pair.run();
    let events = pair.acceptor.take();
    assert!(matches!(events[0], Event::Stream { half_closed: false, payload: None, .. }));
    assert_eq!(items(&events), [b"one", b"two"]);
    assert!(ends_well(&events[2], None), "{events:?}");
    pair.acceptor.engine.end_stream(pair.now, id, Ok(Some(b"two items")));
    pair.run();
    let events = pair.dialer.take();
    assert!(matches!(&events[..], [end] if ends_well(end, Some(b"two items"))), "{events:?}");
    nothing_left(&pair);
}

/// `[L5.stream.1]`: each direction ends on its own, and the other goes on.
#[test]
fn both_ways_half_closed() {
    let mut pair = Pair::ready();
    let id = open(&mut pair, false, None);
    pair.dialer.engine.send_item(pair.now, id, b"question").expect("credit");
    pair.dialer.engine.end_stream(pair.now, id, Ok(None));
    pair.run();
    let events = pair.acceptor.take();
    assert!(items(&events) == [b"question"] && ends_well(&events[1], None), "{events:?}");
    let late = pair.dialer.engine.send_item(pair.now, id, b"late");
    assert!(matches!(late, Err(Refusal::Status(_))), "our direction has ended");
    for item in [b"a", b"b"] {
        pair.acceptor.engine.send_item(pair.now, id, item).expect("the other has not");
    }
    pair.acceptor.engine.end_stream(pair.now, id, Ok(Some(b"summary")));
    pair.run();
    let events = pair.dialer.take();
    assert_eq!(items(&events), [b"a", b"b"]);
    assert!(ends_well(&events[1], Some(b"summary")), "{events:?}");
    nothing_left(&pair);
}

/// `[L5.stream.2]`: the callee's end is final. The opener answers it with its own at once, and
/// what it had sent meanwhile is nobody's.
#[test]
fn the_callee_ends_early() {
    let mut pair = Pair::ready();
    let id = open(&mut pair, false, None);
    pair.acceptor.engine.end_stream(pair.now, id, Err(&Status::new(Code::NotFound, "no")));
    pair.dialer.engine.send_item(pair.now, id, b"on its way").expect("credit");
    let batch = pair.acceptor.transmit();
    let crossing = pair.dialer.transmit();
    pair.reach_acceptor(&crossing);
    pair.reach_dialer(&batch);
    let events = pair.dialer.take();
    assert!(matches!(&events[..], [end] if ends_with(end, Code::NotFound)), "{events:?}");
    assert!(pair.dialer.engine.send_item(pair.now, id, b"more").is_err());
    assert_eq!(frames(&pair.dialer.transmit()).len(), 1, "the opener's own end");
    assert_eq!(pair.dialer.engine.open_items(), 0);
    assert!(pair.acceptor.take().is_empty(), "the handler has returned");
    assert_eq!(pair.acceptor.engine.open_items(), 1, "the opener's end is still on its way");
}

/// `[L5.cancel.1]`: cancelling asks; the callee may still send its summary, once.
#[test]
fn cancel_is_a_question() {
    let mut pair = Pair::ready();
    let id = open(&mut pair, true, None);
    pair.acceptor.engine.send_item(pair.now, id, b"partial").expect("credit");
    pair.dialer.engine.cancel(pair.now, id);
    pair.dialer.engine.cancel(pair.now, id);
    assert_eq!(frames(&pair.dialer.transmit()).len(), 1, "asked once");
    pair.dialer.engine.cancel(pair.now, id);
    let cancel = Raw::of(CANCEL).reference(id).frame();
    pair.reach_acceptor(&[cancel.clone(), cancel].concat());
    let events = pair.acceptor.take();
    assert!(
        matches!(&events[..], [Event::Cancelled { status, .. }] if status.code() == Code::Cancelled),
        "{events:?}"
    );
    let refused = pair.acceptor.engine.send_item(pair.now, id, b"more");
    assert!(matches!(refused, Err(Refusal::Status(status)) if status.code() == Code::Cancelled));
    pair.acceptor.engine.end_stream(pair.now, id, Ok(Some(b"summary")));
    pair.run();
    let events = pair.dialer.take();
    assert!(items(&events) == [b"partial"] && ends_well(&events[1], Some(b"summary")));
    nothing_left(&pair);
}

/// `[L5.cancel.1]`: a handler's error after a cancel says why it ended.
#[test]
fn a_cancelled_handler_fails_with_the_reason() {
    let mut pair = Pair::ready();
    let id = open(&mut pair, true, None);
    pair.dialer.engine.cancel(pair.now, id);
    pair.run();
    pair.acceptor.take();
    pair.acceptor.engine.end_stream(pair.now, id, Err(&Status::new(Code::Internal, "dropped")));
    pair.run();
    let events = pair.dialer.take();
    assert!(matches!(&events[..], [end] if ends_with(end, Code::Cancelled)), "{events:?}");
}

/// `[L5.cancel.4]`: an abandoned stream is heard of no more, and its id stays until the answer.
#[test]
fn abandon_is_silence() {
    let mut pair = Pair::ready();
    let id = open(&mut pair, false, None);
    pair.acceptor.engine.send_item(pair.now, id, b"item").expect("credit");
    pair.dialer.engine.abandon(pair.now, id);
    assert_eq!(pair.dialer.engine.open_items(), 1);
    pair.run();
    let events = pair.acceptor.take();
    assert!(matches!(events[0], Event::Cancelled { .. }), "{events:?}");
    assert!(ends_with(&events[1], Code::Cancelled), "{events:?}");
    pair.acceptor.engine.end_stream(pair.now, id, Ok(Some(b"unheard")));
    pair.run();
    assert!(pair.dialer.take().is_empty());
    nothing_left(&pair);
}

/// `[L5.credit.1]`, `[L5.credit.2]`: sending is allowed while credit is above 0, so one item may
/// pass it; each costs 32 beside its bytes.
#[test]
fn credit_at_its_edges() {
    let mut pair = with_credit(100);
    let id = open(&mut pair, true, None);
    let send = |pair: &mut Pair, item: &[u8]| pair.acceptor.engine.send_item(pair.now, id, item);
    send(&mut pair, &[0; 67]).expect("100 left");
    send(&mut pair, &[0; 250]).expect("1 left: one item may pass it");
    assert_eq!(send(&mut pair, b""), Err(Refusal::Blocked), "281 short");
    pair.run();
    assert_eq!(items(&pair.dialer.take()).len(), 2);
    // 99 taken: more than half of the window, so granted, and still 182 short.
    pair.dialer.engine.consumed(pair.now, id, 67);
    pair.run();
    assert!(pair.acceptor.take().is_empty(), "not enough to go on");
    pair.dialer.engine.consumed(pair.now, id, 250);
    pair.run();
    let events = pair.acceptor.take();
    assert!(matches!(events[..], [Event::StreamWritable { id: told }] if told == id), "{events:?}");
    // All of it is back: 100 again, which four empty items use up.
    for _ in 0..4 {
        send(&mut pair, b"").expect("credit");
    }
    assert_eq!(send(&mut pair, b""), Err(Refusal::Blocked));
}

/// `[L5.credit.4]`: a grant is half a window at least, and never more than was used.
#[test]
fn grants_come_in_halves() {
    let mut pair = with_credit(330);
    let id = open(&mut pair, true, None);
    for _ in 0..10 {
        pair.acceptor.engine.send_item(pair.now, id, b"x").expect("credit");
    }
    pair.run();
    for _ in 0..4 {
        pair.dialer.engine.consumed(pair.now, id, 1);
        assert!(pair.dialer.transmit().is_empty(), "not yet half of it");
    }
    pair.dialer.engine.consumed(pair.now, id, 1);
    let grant = Raw::of(ACK).reference(id).meta(credit(165)).frame();
    assert_eq!(pair.dialer.transmit(), grant);
    pair.dialer.engine.consumed(pair.now, id, 1);
    assert!(pair.dialer.transmit().is_empty(), "the next half begins at nothing");
    // Whatever the application says, the peer never has more than the window.
    pair.dialer.engine.consumed(pair.now, id, 1_000);
    assert_eq!(pair.dialer.transmit(), grant, "5 of 10 were left to grant");
    pair.dialer.engine.consumed(pair.now, id, 1_000);
    assert!(pair.dialer.transmit().is_empty(), "nothing is left to grant");
}

/// `[L5.credit.2]`, `[L1.order.1]`: items larger than the window, in fragments, keep their place
/// before the small ones and the end.
#[test]
fn items_larger_than_the_window() {
    let mut pair = with_credit(1_000);
    let id = open(&mut pair, true, None);
    let large = vec![7; 100_000];
    pair.acceptor.engine.send_item(pair.now, id, &large).expect("credit");
    let blocked = pair.acceptor.engine.send_item(pair.now, id, b"small");
    assert_eq!(blocked, Err(Refusal::Blocked));
    pair.run();
    assert_eq!(items(&pair.dialer.take()), [&large[..]]);
    pair.dialer.engine.consumed(pair.now, id, large.len());
    pair.run();
    assert!(matches!(pair.acceptor.take()[..], [Event::StreamWritable { .. }]));
    pair.acceptor.engine.send_item(pair.now, id, &[8; 967]).expect("all of it is back");
    pair.acceptor.engine.send_item(pair.now, id, &large).expect("1 is left");
    pair.acceptor.engine.end_stream(pair.now, id, Ok(Some(b"end")));
    pair.run();
    let events = pair.dialer.take();
    assert_eq!(items(&events), [&[8; 967][..], &large]);
    assert!(ends_well(&events[2], Some(b"end")), "{events:?}");
    nothing_left(&pair);
}

/// `[L1.order.1]`: a small item does not overtake the large one before it, nor the end both.
#[test]
fn a_small_item_stays_behind_a_large_one() {
    let mut pair = Pair::ready();
    let id = open(&mut pair, true, None);
    let large = vec![1; 200_000];
    for item in [&large[..], b"small", &large] {
        pair.acceptor.engine.send_item(pair.now, id, item).expect("credit");
    }
    pair.acceptor.engine.end_stream(pair.now, id, Ok(None));
    let first = pair.acceptor.transmit();
    assert!(frames(&first).iter().all(|(flags, ..)| flags & MORE != 0), "fragments only");
    pair.reach_dialer(&first);
    pair.run();
    let events = pair.dialer.take();
    assert_eq!(items(&events), [&large[..], b"small", &large]);
    assert!(ends_well(&events[3], None), "{events:?}");
}

/// `[L5.deadline.2]`: both sides keep a stream's deadline by their own clock.
#[test]
fn a_deadline_ends_a_stream() {
    let mut pair = Pair::ready();
    let deadline = Some(pair.now + Duration::from_millis(50));
    let asked = Request { deadline, ..request("a.b", b"") };
    let id = pair.dialer.engine.open_stream(pair.now, &asked, false, None).expect("room");
    pair.run();
    let events = pair.acceptor.take();
    assert!(matches!(events[..], [Event::Stream { deadline: Some(_), .. }]), "{events:?}");
    pair.pass(Duration::from_millis(60));
    let events = pair.dialer.take();
    assert!(matches!(&events[..], [end] if ends_with(end, Code::DeadlineExceeded)), "{events:?}");
    let events = pair.acceptor.take();
    assert!(
        matches!(&events[0], Event::Cancelled { status, .. }
            if status.code() == Code::DeadlineExceeded),
        "{events:?}"
    );
    assert!(ends_with(&events[1], Code::DeadlineExceeded), "{events:?}");
    assert!(pair.acceptor.engine.send_item(pair.now, id, b"late").is_err());
    pair.acceptor.engine.end_stream(pair.now, id, Ok(Some(b"late")));
    pair.run();
    assert!(pair.dialer.take().is_empty(), "a late result is not heard");
    nothing_left(&pair);
}

/// `[L5.deadline.2]`, `[L5.stream.8]`: a handler that overstays may say what it likes.
#[test]
fn a_late_stream_ends_with_deadline_exceeded() {
    for result in [None, Some(&b"late"[..])] {
        let mut pair = Pair::ready();
        let deadline = Some(pair.now + Duration::from_millis(50));
        let asked = Request { deadline, ..request("a.b", b"") };
        let id = pair.dialer.engine.open_stream(pair.now, &asked, false, None).expect("room");
        pair.run();
        // The opener's clock stands still, so that it hears what the callee says.
        let late = pair.now + Duration::from_millis(60);
        pair.acceptor.engine.handle_timeout(late);
        pair.acceptor.engine.end_stream(late, id, Ok(result));
        pair.run();
        let events = pair.dialer.take();
        assert!(
            matches!(&events[..], [end] if ends_with(end, Code::DeadlineExceeded)),
            "{events:?}"
        );
        nothing_left(&pair);
    }
}

/// `[L4.limits.1]`: the opener waits for a slot; `[L5.stream.3]`: the callee refuses one too many.
#[test]
fn streams_max() {
    let limits = Limits { streams_max: 2, ..Limits::default() };
    let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
    let first = open(&mut pair, true, None);
    open(&mut pair, true, None);
    let asked = request("a.b", b"");
    let third = pair.dialer.engine.open_stream(pair.now, &asked, true, None);
    assert_eq!(third, Err(Refusal::Blocked));
    pair.reach_acceptor(&raw_open(101).meta(end()).frame());
    let refusal = frames(&pair.acceptor.transmit());
    assert!(String::from_utf8_lossy(&refusal[0].2).contains("[L5."), "{refusal:?}");
    pair.acceptor.engine.end_stream(pair.now, first, Ok(None));
    pair.run();
    let events = pair.dialer.take();
    assert!(events.iter().any(|event| matches!(event, Event::Writable)), "{events:?}");
    pair.dialer.engine.open_stream(pair.now, &asked, true, None).expect("a slot is free");
}

/// `[L4.bound.1]`: the sum of the windows is bounded on both sides, and comes back.
#[test]
fn session_credit_max() {
    let limits = Limits { initial_credit: 100, session_credit_max: 250, ..Limits::default() };
    let mut pair = Pair::with(limits.clone(), limits, Identity::anonymous());
    let first = open(&mut pair, false, None);
    open(&mut pair, false, None);
    let asked = request("a.b", b"");
    let third = pair.dialer.engine.open_stream(pair.now, &asked, true, None);
    assert!(
        matches!(&third, Err(Refusal::Status(status)) if status.code() == Code::ResourceExhausted),
        "{third:?}"
    );
    pair.dialer.engine.open_stream(pair.now, &asked, true, Some(50)).expect("50 are left");
    pair.acceptor.engine.end_stream(pair.now, first, Ok(None));
    pair.run();
    pair.dialer.engine.open_stream(pair.now, &asked, true, Some(100)).expect("100 came back");
}

/// `[L4.bound.1]`: what asks for more credit than is left is refused before a handler sees it, and
/// what its opener sends meanwhile does no harm.
#[test]
fn a_refused_stream_waits_for_its_end() {
    let limits = Limits { initial_credit: 100, session_credit_max: 150, ..Limits::default() };
    let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
    open(&mut pair, false, None);
    let id = pair.dialer.engine.open_stream(pair.now, &request("a.b", b""), false, None);
    let id = id.expect("the opener's own credit is not at its end");
    pair.dialer.engine.send_item(pair.now, id, &[0; 99]).expect("credit");
    pair.run();
    assert!(pair.acceptor.take().is_empty(), "no handler sees it");
    let events = pair.dialer.take();
    assert!(matches!(&events[..], [end] if ends_with(end, Code::ResourceExhausted)), "{events:?}");
    assert_eq!(pair.acceptor.engine.open_items(), 1, "both ends of the refused one are seen");
}

/// `[L5.stream.2]`: an item above the limit of the peer is refused here, and harms nothing.
#[test]
fn an_item_that_is_too_long() {
    let limits = Limits { frame_bytes_max: 2_000, message_bytes_max: 2_000, ..Limits::default() };
    let mut pair = Pair::with(limits, Limits::default(), Identity::anonymous());
    let id = open(&mut pair, true, None);
    let refused = pair.acceptor.engine.send_item(pair.now, id, &[0; 2_000]);
    assert!(
        matches!(refused, Err(Refusal::Status(status)) if status.code() == Code::ResourceExhausted)
    );
    pair.acceptor.engine.send_item(pair.now, id, &[0; 1_500]).expect("this one fits");
    pair.acceptor.engine.end_stream(pair.now, id, Ok(Some(&[0; 2_000])));
    pair.run();
    let events = pair.dialer.take();
    assert!(
        ends_with(&events[1], Code::ResourceExhausted),
        "a result that does not fit: {events:?}"
    );
}

/// `[L4.lost.1]`: of a stream whose handler has returned nobody is told when the link is lost.
#[test]
fn a_lost_link_ends_streams_once() {
    let mut pair = Pair::ready();
    let served = open(&mut pair, false, None);
    let done = open(&mut pair, false, None);
    pair.acceptor.engine.end_stream(pair.now, done, Ok(None));
    pair.acceptor.take();
    let reason = Status::new(Code::Unavailable, "cut");
    pair.acceptor.engine.handle_link_down(pair.now, &reason);
    let events = pair.acceptor.take();
    assert!(
        matches!(&events[..],
            [Event::Cancelled { id, .. }, Event::StreamEnd { id: ended, .. }, Event::Closed { .. }]
            if (*id, *ended) == (served, served)),
        "{events:?}"
    );
    pair.dialer.engine.handle_link_down(pair.now, &reason);
    let events = pair.dialer.take();
    assert!(ends_with(&events[0], Code::Indeterminate), "{events:?}");
    assert!(ends_with(&events[1], Code::Indeterminate), "{events:?}");
    assert_eq!(events.len(), 3);
    nothing_left(&pair);
}

/// `[L5.stream.4]`: what comes for a stream that has ended on both sides is ignored and charged.
#[test]
fn late_items_do_no_harm() {
    let mut pair = Pair::ready();
    let id = open(&mut pair, true, None);
    pair.acceptor.engine.end_stream(pair.now, id, Ok(None));
    pair.run();
    pair.reach_acceptor(&Raw::of(STREAM).reference(id).payload(b"late").frame());
    assert!(pair.acceptor.take().is_empty() && pair.acceptor.transmit().is_empty());
}

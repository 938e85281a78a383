//! Large messages among small ones, and the bounds of putting them together again.

use super::pair::{Pair, request};
use super::raw::{CALL, Raw, call, fragment, frame, frames, kinds, last_words};
use crate::config::Limits;
use crate::engine::Turn;
use crate::engine::event::{Event, PublishOptions, Refusal, Request};
use crate::engine::frame::{GROUP, MORE, VOLATILE};
use crate::engine::message::kind::Kind;
use crate::engine::session::auth::Identity;
use crate::error::{Code, Status};
use bytes::BytesMut;

const MIB: usize = 1 << 20;

fn targets(events: Vec<Event>) -> Vec<String> {
    let target = |event| match event {
        Event::Call { target, .. } => target.to_string(),
        Event::Cancelled { .. } => "cancelled".to_owned(),
        other => panic!("{other:?}"),
    };
    events.into_iter().map(target).collect()
}

/// What has come is handled in turns of so many frames or bytes, and none of it is lost between.
#[test]
fn a_turn_ends_with_its_frames_or_bytes() {
    for (turn, calls) in [
        (Turn { frames: 3, bytes: usize::MAX }, 3),
        (Turn { frames: usize::MAX, bytes: 1500 }, 2),
        (Turn { frames: 1, bytes: 1500 }, 1),
    ] {
        let mut pair = Pair::ready();
        for _ in 0..9 {
            pair.dialer.engine.call(pair.now, &request("large", &[5; 1000])).expect("room");
        }
        let mut bytes = BytesMut::from(&pair.dialer.transmit()[..]);
        let engine = &mut pair.acceptor.engine;
        assert!(engine.handle_turn(pair.now, &mut bytes, turn), "there is more");
        let mut heard = pair.acceptor.take().len();
        assert_eq!(heard, calls, "{turn:?}");
        while pair.acceptor.engine.handle_turn(pair.now, &mut bytes, turn) {}
        heard += pair.acceptor.take().len();
        assert_eq!((heard, bytes.len()), (9, 0), "{turn:?}");
    }
}

/// `[L1.order.3]`: a ping and a small call slip in between the fragments of 16 MiB.
#[test]
fn small_messages_slip_between_fragments() {
    let mut pair = Pair::ready();
    let large = vec![5; 16 * MIB - 200];
    pair.dialer.engine.call(pair.now, &request("large", &large)).expect("room");
    let first = pair.dialer.transmit();
    assert!(first.len() < 128 << 10, "a batch is small: {}", first.len());
    pair.reach_acceptor(&first);
    let ping = pair.dialer.engine.ping(pair.now);
    // The large one fills the outbox; callers wait, and so ask before it does.
    let small = Raw::of(CALL).id(9_001).target("small").frame();
    let batch = pair.dialer.transmit();
    assert_eq!(kinds(&batch), [Kind::Ack], "the ping goes first, fragments follow");
    pair.reach_acceptor(&batch);
    pair.reach_acceptor(&small);
    assert_eq!(targets(pair.acceptor.take()), ["small"]);
    let pong = pair.acceptor.transmit();
    pair.reach_dialer(&pong);
    assert!(matches!(pair.dialer.take()[..], [Event::Pong { id }] if id == ping));
    pair.run();
    assert_eq!(targets(pair.acceptor.take()), ["large"]);
    assert_eq!(pair.acceptor.engine.assembler.held(), (0, 0));
}

/// `[L1.order.3]`: two large messages take turns, a fragment each, and a small call goes before.
#[test]
fn large_messages_take_turns() {
    let limits = Limits { outbox_soft_bytes: 4 << 20, ..Limits::default() };
    let mut pair = Pair::with(limits, Limits::default(), Identity::anonymous());
    let large = vec![5; MIB];
    for target in ["one", "two"] {
        pair.dialer.engine.call(pair.now, &request(target, &large)).expect("room");
    }
    let batch = pair.dialer.transmit();
    let groups: Vec<u64> = frames(&batch).iter().filter_map(|(_, group, _)| *group).collect();
    assert!(groups.len() >= 4, "{groups:?}");
    assert!(groups.windows(2).all(|pair| pair[0] != pair[1]), "{groups:?}");
    pair.reach_acceptor(&batch);
    pair.dialer.engine.call(pair.now, &request("small", b"x")).expect("room");
    let batch = pair.dialer.transmit();
    assert_eq!(frames(&batch)[0].1, None, "the small one is first");
    pair.reach_acceptor(&batch);
    assert_eq!(targets(pair.acceptor.take()), ["small"]);
    pair.run();
    assert_eq!(targets(pair.acceptor.take()), ["one", "two"]);
}

/// `[L1.order.1]`: the CANCEL of a large CALL stays behind it.
#[test]
fn a_cancel_stays_behind_its_call() {
    let mut pair = Pair::ready();
    let id = pair.dialer.engine.call(pair.now, &request("large", &vec![1; MIB])).expect("room");
    pair.dialer.engine.cancel(pair.now, id);
    pair.run();
    assert_eq!(targets(pair.acceptor.take()), ["large", "cancelled"]);
}

/// `[L3.id.4]`: a call whose length is just around that of a fragment is not taken for a used id
/// when a later one overtakes it.
#[test]
fn calls_around_the_length_of_a_fragment() {
    for len in (16 << 10) - 200..=(16 << 10) + 10 {
        let mut pair = Pair::ready();
        let payload = vec![1; len];
        pair.dialer.engine.call(pair.now, &request("first", &payload)).expect("room");
        pair.dialer.engine.call(pair.now, &request("second", b"x")).expect("room");
        pair.run();
        let mut heard = targets(pair.acceptor.take());
        heard.sort();
        assert_eq!(heard, ["first", "second"], "{len} bytes");
    }
}

/// `[L1.len.3]`, `[L1.group.5]`: nothing that a side sends is longer than its peer declared, meta
/// and errors included.
#[test]
fn the_smallest_peer_is_not_overrun() {
    let small = Limits { frame_bytes_max: 1_024, message_bytes_max: 4_096, ..Limits::default() };
    let mut pair = Pair::with(small, Limits::default(), Identity::anonymous());
    let user_meta: Vec<_> = (0..48).map(|at| (format!("key{at:02}"), "v".into())).collect();
    for len in (0..4_200).step_by(7) {
        let payload = vec![0; len];
        let asked = Request { user_meta: &user_meta, ..request("a.b", &payload) };
        match pair.acceptor.engine.call(pair.now, &asked) {
            Ok(id) => pair.acceptor.engine.abandon(pair.now, id),
            Err(Refusal::Status(status)) => assert_eq!(status.code(), Code::ResourceExhausted),
            Err(Refusal::Blocked) => panic!("{len}: blocked"),
        }
        pair.run();
        for event in pair.dialer.take() {
            let Event::Call { id: Some(id), .. } = event else { continue };
            pair.dialer.engine.respond(pair.now, id, Ok(b""));
        }
        pair.run();
    }
    // Long errors.
    let status = Status::new(Code::Internal, "m".repeat(10_000))
        .with_details("t".repeat(600), vec![1; 900].into());
    let id = pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("room");
    pair.run();
    pair.acceptor.engine.respond(pair.now, id, Err(&status));
    pair.run();
    assert!(matches!(&pair.dialer.take()[..], [Event::Response { outcome: Err(_), .. }]));
}

/// `[L1.group.6]`: a group of one fragment is a message.
#[test]
fn a_group_of_one() {
    let mut pair = Pair::ready();
    pair.reach_acceptor(&fragment(0, 1, &call(3).body()));
    assert_eq!(targets(pair.acceptor.take()), ["a.b"]);
}

/// `[L1.group.2]`: an open group goes on, whatever groups came after it; a finished one does not.
#[test]
fn groups_end_once() {
    let mut pair = Pair::ready();
    let (first, second) = (call(3).body(), call(5).body());
    pair.reach_acceptor(&fragment(MORE, 1, &first[..5]));
    pair.reach_acceptor(&fragment(MORE, 7, &second[..9]));
    pair.reach_acceptor(&fragment(0, 1, &first[5..]));
    pair.reach_acceptor(&fragment(0, 7, &second[9..]));
    assert_eq!(targets(pair.acceptor.take()).len(), 2);
    pair.reach_acceptor(&fragment(MORE, 1, b"again"));
    assert!(last_words(&pair.acceptor.transmit()).1.starts_with("[L1.group.2]"));
}

/// `[L1.group.4]`: the bytes of finished messages count no more.
#[test]
fn finished_groups_make_room() {
    let limits = Limits {
        frame_bytes_max: 1_024,
        message_bytes_max: 1_024,
        reassembly_bytes_max: 1_024,
        ..Limits::default()
    };
    let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
    for round in 0..10 {
        let body = call(3 + 2 * u64::from(round)).payload(&[1; 900]).body();
        pair.reach_acceptor(&fragment(MORE, round + 1, &body[..500]));
        pair.reach_acceptor(&fragment(0, round + 1, &body[500..]));
        assert_eq!(targets(pair.acceptor.take()).len(), 1, "round {round}");
    }
    assert_eq!(pair.acceptor.engine.assembler.held(), (0, 0));
}

/// `[L1.group.3]`, `[L1.group.4]`: a sender keeps to the groups and bytes that its peer declared.
#[test]
fn the_sender_waits_for_groups() {
    for (groups_max, reassembly_bytes_max) in [(2, 32 << 20), (32, 150_000)] {
        let acceptor = Limits {
            groups_max,
            message_bytes_max: 100_000,
            reassembly_bytes_max,
            ..Limits::default()
        };
        let dialer = Limits { outbox_soft_bytes: 4 << 20, ..Limits::default() };
        let mut pair = Pair::with(dialer, acceptor, Identity::anonymous());
        for target in ["a", "b", "c", "d", "e"] {
            pair.dialer.engine.call(pair.now, &request(target, &vec![1; 60_000])).expect("room");
        }
        pair.dialer.engine.call(pair.now, &request("f", &vec![1; 99_000])).expect("room");
        pair.run();
        assert_eq!(targets(pair.acceptor.take()).len(), 6);
        assert_eq!(pair.dialer.engine.fx.out.open_groups(), (0, 0));
    }
}

/// `[L1.volatile.1]`, `[L1.volatile.2]`: a publication in fragments is volatile throughout.
#[test]
fn fragments_of_events_are_volatile() {
    let mut pair = Pair::ready();
    let options = PublishOptions::default();
    pair.dialer.engine.publish(pair.now, "a.b", &[0; 40_000], &options).expect("room");
    let batch = pair.dialer.transmit();
    let flags: Vec<u8> = frames(&batch).iter().map(|(flags, ..)| *flags).collect();
    assert_eq!(flags, [GROUP | MORE | VOLATILE, GROUP | MORE | VOLATILE, GROUP | VOLATILE]);
    pair.reach_acceptor(&batch);
    assert!(matches!(pair.acceptor.take()[..], [Event::Publish { .. }]));
}

/// `[L0.link.3]`: how the bytes are cut into reads makes no difference.
#[test]
fn one_byte_at_a_time() {
    let mut pair = Pair::ready();
    let bytes = [call(3).frame(), call(5).frame(), fragment(0, 1, &call(7).body())].concat();
    for byte in &bytes {
        pair.reach_acceptor(&[*byte]);
    }
    assert_eq!(targets(pair.acceptor.take()).len(), 3);
}

/// `[L1.len.3]`: the limit is the last length that is taken, and nothing is kept of one above it.
#[test]
fn the_longest_frame() {
    let limits = Limits { frame_bytes_max: 1_024, ..Limits::default() };
    let mut pair = Pair::with(Limits::default(), limits.clone(), Identity::anonymous());
    let spare = 1_024 - 1 - call(3).payload(&[0; 900]).body().len();
    let longest = call(3).payload(&vec![0; 900 + spare]).frame();
    assert_eq!(longest.len(), 4 + 1_024);
    pair.reach_acceptor(&longest);
    assert_eq!(targets(pair.acceptor.take()).len(), 1);
    pair.reach_acceptor(&call(5).payload(&vec![0; 901 + spare]).frame()[..4]);
    assert!(last_words(&pair.acceptor.transmit()).1.starts_with("[L1.len.3]"));
}

/// `[L4.violation.2]`: what came in one read behind a broken frame is not acted on; what came
/// before it is.
#[test]
fn a_broken_frame_in_the_middle() {
    let mut pair = Pair::ready();
    pair.reach_acceptor(&[call(3).frame(), frame(1 << 7, b"x"), call(5).frame()].concat());
    let events = pair.acceptor.take();
    assert!(
        matches!(
            events[..],
            [Event::Call { id: Some(3), .. }, Event::Cancelled { .. }, Event::Closed { .. }]
        ),
        "{events:?}"
    );
}

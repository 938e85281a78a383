//! The layer of records by itself.

use super::{Pair, XX, connecting, ready, seal};
use crate::engine::Turn;
use crate::engine::event::Event;
use crate::engine::frame::whole_len;
use crate::engine::session::auth::Identity;
use crate::engine::session::phase::Phase;
use crate::engine::tests::pair::request;
use crate::engine::tests::raw::last_words;
use crate::engine::wire::seal::{Seal, SealError};
use bytes::BytesMut;

/// Two ends of a handshake, without engines.
fn ends() -> (Seal, Seal) {
    let (mut dialer, message) =
        Seal::dial(&seal(XX, 1), Some([101; 32]), 1, b"offer").expect("keys");
    let config = seal(XX, 2);
    let mut acceptor = Seal::accept(&config, Some([102; 32]), XX.number(), (1, b"offer"), &message)
        .expect("a message");
    let message = acceptor.answer(2, b"answer").expect("due");
    dialer.take_answer(2, b"answer", &message).expect("an answer");
    let message = dialer.confirm(b"body").expect("due");
    assert_eq!(acceptor.take_confirm(&message).as_deref(), Ok(&b"body"[..]));
    (dialer, acceptor)
}

fn frame(body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).expect("short");
    [&len.to_be_bytes(), body].concat()
}

fn sealed(end: &mut Seal, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    end.seal_frames(&frame(body), &mut out).expect("far from exhausted");
    out
}

/// The frame in a record, if it opens and has one.
fn opened(end: &mut Seal, sealed: &[u8]) -> Option<Vec<u8>> {
    let mut record = BytesMut::from(sealed);
    let is_opened = end.open_record(&mut record).expect("frames");
    is_opened.then(|| {
        assert_eq!(record[..4], u32::try_from(record.len() - 4).expect("short").to_be_bytes());
        record[4..].to_vec()
    })
}

#[test]
fn frames_of_every_length_come_back() {
    let (mut one, mut other) = ends();
    for pads in [false, true] {
        one.shape(1 << 20, pads);
        for len in [1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 5_000, 16_385, 40_000, 65_515] {
            // Zeros at the end are no padding.
            let body: Vec<u8> = (0..len).map(|at| if at < len / 2 { 7 } else { 0 }).collect();
            let bytes = sealed(&mut one, &body);
            assert!(bytes.len() <= 4 + 1 + 65_535);
            assert_eq!(opened(&mut other, &bytes), Some(body), "{len} bytes");
        }
    }
}

/// `[L1.seal.4]`: both sides replace a key behind the same record, by number and by bytes.
#[test]
fn keys_are_replaced_on_both_sides_at_once() {
    for (records, bytes) in [(3, u64::MAX), (u64::MAX, 100), (1, 1)] {
        let (mut one, mut other) = ends();
        let (mut old, _) = ends();
        one.shorten_lives(records, bytes);
        other.shorten_lives(records, bytes);
        let mut differs = false;
        for number in 0..20_u8 {
            let body = [number; 40];
            let bytes = sealed(&mut one, &body);
            differs |= bytes != sealed(&mut old, &body);
            assert_eq!(opened(&mut other, &bytes).as_deref(), Some(&body[..]), "{number}");
            let back = sealed(&mut other, &body);
            assert_eq!(opened(&mut one, &back).as_deref(), Some(&body[..]), "{number}");
        }
        assert!(differs, "the key was never replaced");
    }
}

/// `[L1.seal.2]`: a record that does not open leaves no plaintext, and no other trace.
#[test]
fn what_does_not_open_stays_closed() {
    let (mut one, mut other) = ends();
    let body = b"a secret that nobody shall see";
    let bytes = sealed(&mut one, body);
    let mut forged = BytesMut::from(&bytes[..]);
    *forged.last_mut().expect("a tag") ^= 1;
    assert_eq!(other.open_record(&mut forged), Ok(false), "the first failure");
    assert!(!forged.windows(8).any(|part| body.windows(8).any(|known| known == part)));
    assert_eq!(forged[5..forged.len() - 1], bytes[5..bytes.len() - 1]);
    assert_eq!(opened(&mut other, &bytes).as_deref(), Some(&body[..]));
}

#[test]
fn numbers_only_rise_with_what_is_sealed_and_opened() {
    let (mut one, mut other) = ends();
    let mut seen = std::collections::HashSet::new();
    for number in 0..10 {
        assert_eq!(one.numbers().0, number);
        assert_eq!(other.numbers().1, number);
        let bytes = sealed(&mut one, b"always the same");
        assert!(seen.insert(bytes.clone()), "two records are equal");
        assert!(opened(&mut other, &[&bytes[..9], &[0; 40]].concat()[..bytes.len()]).is_none());
        assert!(opened(&mut other, &bytes).is_some());
    }
}

/// `[L1.seal.1]`: frames that leave together share a record, up to 16 KiB; the first of a link is
/// alone.
#[test]
fn frames_share_records() {
    let (mut one, mut other) = ends();
    let frames: Vec<Vec<u8>> = [60, 60, 8_000, 8_000, 8_000, 20_000, 1]
        .into_iter()
        .map(|len| frame(&vec![1; len]))
        .collect();
    let mut records = BytesMut::new();
    let mut out = Vec::new();
    one.seal_frames(&frames.concat(), &mut out).expect("far from exhausted");
    records.extend_from_slice(&out);
    let mut shared = Vec::new();
    while let Ok(Some(whole)) = whole_len(&records, 1 << 20) {
        let mut record = records.split_to(whole);
        assert_eq!(other.open_record(&mut record), Ok(true));
        shared.push(record.to_vec());
    }
    let alone = |at: usize| frames[at].clone();
    let together = frames[1..4].concat();
    assert_eq!(shared, [alone(0), together, alone(4), alone(5), alone(6)]);
}

/// `[L1.seal.3]`: whole frames, one at least, and nothing but zeros behind them.
#[test]
fn a_record_is_frames_and_zeros() {
    let opens = |text: &[u8]| {
        let (mut one, mut other) = ends();
        let mut record = BytesMut::from(&one.seal_raw(text)[..]);
        other.open_record(&mut record).map(|_| record.to_vec())
    };
    let two = [frame(b"ab"), frame(b"c")].concat();
    for zeros in [0, 1, 3, 4, 5, 40] {
        assert_eq!(opens(&[&two[..], &vec![0; zeros]].concat()), Ok(two.clone()), "{zeros}");
    }
    let others: [&[u8]; 8] = [
        b"",
        &[0; 3],
        &[0; 20],
        &[0, 0, 0, 1],
        &[0, 0, 0, 2, 7],
        &[0, 0, 0, 1, 7, 0, 1],
        &[0, 0, 0, 1, 7, 0, 0, 0, 0, 1],
        &[255; 9],
    ];
    for other in others {
        assert_eq!(opens(other), Err(SealError::Padding), "{other:?}");
    }
}

/// What the other side said last, opened by the dialer of the pair.
pub(super) fn opened_by_dialer(pair: &mut Pair) -> Vec<u8> {
    let mut record = BytesMut::from(&pair.acceptor.transmit()[..]);
    let seal = pair.dialer.engine.seal.as_mut().expect("sealed");
    assert_eq!(seal.open_record(&mut record), Ok(true));
    let frame = record.to_vec();
    assert!(!last_words(&frame).1.is_empty());
    frame
}

/// What is said to a record without frames.
pub(super) fn without_frames() -> Vec<u8> {
    let mut pair = ready(XX);
    let seal = pair.dialer.engine.seal.as_mut().expect("sealed");
    let bytes = seal.seal_raw(&[0; 20]);
    pair.reach_acceptor(&bytes);
    opened_by_dialer(&mut pair)
}

/// `[L1.seal.1]`, `[L1.len.4]`: what the acceptor says right behind its welcome does not make the
/// welcome's record longer than a dialer takes that is not Ready.
#[test]
fn what_follows_the_welcome_may_be_long() {
    let mut pair = connecting(XX);
    for _ in 0..2 {
        let (there, back) = (pair.dialer.transmit(), pair.acceptor.transmit());
        pair.reach_acceptor(&there);
        pair.reach_dialer(&back);
    }
    let confirm = pair.dialer.transmit();
    pair.reach_acceptor(&confirm);
    pair.acceptor.engine.accept(pair.now, Identity::anonymous());
    for _ in 0..40 {
        pair.acceptor.engine.notify(pair.now, &request("a.b", &[7; 1_000])).expect("room");
    }
    let batch = pair.acceptor.transmit();
    pair.reach_dialer(&batch);
    assert_eq!(pair.dialer.engine.phase(), Phase::Ready);
    let calls = pair.dialer.take().into_iter().filter(|event| matches!(event, Event::Call { .. }));
    assert_eq!(calls.count(), 40);
}

/// What was read is let go with its last frame: its reader uses the buffer again, and an idle
/// session holds none.
#[test]
fn a_record_that_was_read_is_let_go() {
    let mut pair = ready(XX);
    for _ in 0..3 {
        pair.dialer.engine.notify(pair.now, &request("a.b", b"x")).expect("room");
    }
    let mut bytes = BytesMut::with_capacity(4_096);
    bytes.extend_from_slice(&pair.dialer.transmit());
    pair.acceptor.engine.handle_bytes(pair.now, &mut bytes);
    assert_eq!(pair.acceptor.take().len(), 3);
    assert!(bytes.is_empty() && bytes.try_reclaim(4_096), "the session holds what was read");
}

/// A record is read in turns, as frames are that are not sealed.
#[test]
fn a_long_record_takes_several_turns() {
    let mut pair = ready(XX);
    for _ in 0..101 {
        pair.dialer.engine.notify(pair.now, &request("a.b", b"x")).expect("room");
    }
    let mut bytes = BytesMut::from(&pair.dialer.transmit()[..]);
    let turn = Turn { frames: 40, bytes: usize::MAX };
    let mut seen = Vec::new();
    loop {
        let is_more = pair.acceptor.engine.handle_turn(pair.now, &mut bytes, turn);
        let events = std::iter::from_fn(|| pair.acceptor.engine.poll_event());
        seen.push(events.filter(|event| matches!(event, Event::Call { .. })).count());
        if !is_more {
            break;
        }
    }
    assert_eq!(seen, [40, 40, 21]);
}

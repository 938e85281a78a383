//! The layer of records by itself.

use super::{Pair, XX, ready, seal};
use crate::engine::tests::raw::last_words;
use crate::engine::wire::seal::Seal;

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

/// What is in a sealed frame, if it opens.
fn opened(end: &mut Seal, sealed: &[u8]) -> Option<Vec<u8>> {
    let mut frame = sealed.to_vec();
    end.open_frames(&mut frame)?;
    end.inner(&frame[4..]).map(|inner| inner.expect("an end").to_vec())
}

#[test]
fn frames_of_every_length_come_back() {
    let (mut one, mut other) = ends();
    for pads in [false, true] {
        one.pad(pads, 1 << 20);
        for len in [1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 5_000, 16_385, 40_000, 65_518] {
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
    let mut forged = bytes.clone();
    *forged.last_mut().expect("a tag") ^= 1;
    other.open_frames(&mut forged).expect("the first failure");
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

/// What the other side said last, opened by the dialer of the pair.
pub(super) fn opened_by_dialer(pair: &mut Pair) -> Vec<u8> {
    let mut bytes = pair.acceptor.transmit();
    let seal = pair.dialer.engine.seal.as_mut().expect("sealed");
    seal.open_frames(&mut bytes).expect("no failures");
    let inner = seal.inner(&bytes[4..]).expect("opened").expect("an end").to_vec();
    let frame = frame(&inner);
    assert!(!last_words(&frame).1.is_empty());
    frame
}

/// What is said to a record without an end.
pub(super) fn without_end() -> Vec<u8> {
    let mut pair = ready(XX);
    let seal = pair.dialer.engine.seal.as_mut().expect("sealed");
    let bytes = seal.seal_raw(&[0; 20]);
    pair.reach_acceptor(&bytes);
    opened_by_dialer(&mut pair)
}

//! Messages that are compressed on their way: `[L1.codec.1]` to `[L1.codec.5]`.

use super::pair::{Pair, config, request};
use super::raw::{call, fragment, frame, frames};
use crate::config::Limits;
use crate::engine::event::Event;
use crate::engine::frame::{CODEC, MORE};
use crate::engine::session::auth::Identity;
use crate::engine::violation::Violation;
use crate::engine::wire::compress::{Codec, Contexts};

/// Two sides that take these codecs, in this order.
fn pair(dialer: &[Codec], acceptor: &[Codec]) -> Pair {
    let with = |codecs: &[Codec]| {
        let mut config = config(Limits::default());
        config.wire.compression.codecs = codecs.to_vec();
        config
    };
    Pair::made_of(with(dialer), with(acceptor)).made_ready(Identity::anonymous())
}

fn text(len: usize) -> Vec<u8> {
    b"the quick brown fox jumps over the lazy dog; 0123456789, "
        .iter()
        .copied()
        .cycle()
        .take(len)
        .enumerate()
        .map(|(at, byte)| byte ^ (at >> 8) as u8 & 1)
        .collect()
}

/// The codec that whole frames of a batch have, or -1 for fragments.
fn codecs(batch: &[u8]) -> Vec<u8> {
    let mut list = Vec::new();
    let mut rest = batch;
    while let Some((len, behind)) = rest.split_first_chunk() {
        list.push(behind[0] & CODEC);
        rest = &behind[u32::from_be_bytes(*len) as usize..];
    }
    list
}

/// `[L1.codec.1]`, `[L4.caps.1]`: what both take is used, the dialer's first choice before others.
#[test]
fn the_first_codec_of_the_dialer_that_both_take_is_used() {
    use Codec::{Gzip, Zstd};
    let cases: [(&[Codec], &[Codec], u8); 6] = [
        (&[Zstd, Gzip], &[Gzip, Zstd], 1),
        (&[Gzip, Zstd], &[Zstd, Gzip], 2),
        (&[Zstd, Gzip], &[Gzip], 2),
        (&[Zstd], &[Gzip], 0),
        (&[Zstd], &[], 0),
        (&[], &[Zstd], 0),
    ];
    for (dialer, acceptor, used) in cases {
        let mut pair = pair(dialer, acceptor);
        let payload = text(5_000);
        let id = pair.dialer.engine.call(pair.now, &request("a.b", &payload)).expect("room");
        let batch = pair.dialer.transmit();
        assert_eq!(codecs(&batch), [used]);
        assert_eq!(batch.len() < 2_000, used != 0);
        pair.reach_acceptor(&batch);
        let events = pair.acceptor.take();
        let [Event::Call { payload: Some(got), .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!(got[..], payload);
        pair.acceptor.engine.respond(pair.now, id, Ok(&payload));
        let batch = pair.acceptor.transmit();
        assert_eq!(codecs(&batch), [used]);
        pair.reach_dialer(&batch);
        let events = pair.dialer.take();
        let [Event::Response { outcome: Ok(got), .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!(got[..], payload);
    }
}

/// `[L1.codec.5]`: small messages and HELLOs go as they are.
#[test]
fn what_is_small_is_sent_as_it_is() {
    let mut pair = pair(&Codec::ALL, &Codec::ALL);
    for (len, used) in [(100, 0), (900, 0), (1_024, 1)] {
        pair.dialer.engine.call(pair.now, &request("a.b", &text(len))).expect("room");
        assert_eq!(codecs(&pair.dialer.transmit()), [used], "{len} bytes");
    }
}

/// A message that stays large is cut after it was compressed, and all its fragments say so.
#[test]
fn large_messages_are_compressed_and_then_cut() {
    let mut pair = pair(&Codec::ALL, &Codec::ALL);
    let mut state = 1_u32;
    let payload: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 & 0x3f
    })
    .take(200_000)
    .collect();
    pair.dialer.engine.call(pair.now, &request("a.large", &payload)).expect("room");
    pair.dialer.engine.call(pair.now, &request("a.small", b"x")).expect("room");
    let batch = pair.dialer.transmit();
    let list = codecs(&batch);
    assert!(
        list.len() > 3 && list[0] == 0 && list[1..].iter().all(|codec| *codec == 1),
        "{list:?}"
    );
    pair.reach_acceptor(&batch);
    pair.run();
    let events = pair.acceptor.take();
    let payloads: Vec<usize> = events
        .iter()
        .map(|event| match event {
            Event::Call { payload, .. } => payload.as_ref().map_or(0, bytes::Bytes::len),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(payloads, [1, payload.len()]);
}

/// What a compressing pair says to a hand-made frame.
fn said(bytes: &[u8]) -> Vec<u8> {
    let mut pair = pair(&[Codec::Zstd], &[Codec::Zstd]);
    pair.reach_acceptor(bytes);
    pair.acceptor.transmit()
}

/// `[L1.codec.1]`: a codec that was not agreed on, though another one was.
#[test]
fn another_codec_is_refused() {
    for codec in [2, 3] {
        let (_, message) = super::raw::last_words(&said(&frame(codec, b"x")));
        assert!(message.starts_with("[L1.flags.2]"), "{message}");
    }
}

/// The rules that are broken by bytes made by hand, for the list of all.
pub(super) fn break_rule(violation: Violation) -> Vec<u8> {
    let packed = |plain: &[u8]| Contexts::default().compress(Codec::Zstd, plain).expect("smaller");
    match violation {
        Violation::GroupCodec => {
            said(&[fragment(MORE | 1, 1, b"x"), fragment(MORE, 1, b"x")].concat())
        }
        Violation::CodecBroken => {
            let mut message = packed(&call(3).payload(&text(2_000)).body());
            message.pop();
            said(&frame(1, &message))
        }
        Violation::CodecTooLarge => {
            // Built by the codec itself: our own sender would not send it.
            let bomb = zstd::bulk::compress(&vec![0; 1 << 20], 1).expect("memory");
            said(&frame(1, &bomb))
        }
        other => panic!("nobody breaks {other:?}: add a scene"),
    }
}

/// The outbox counts what waits, not what it was made of: `frames` of a batch still add up.
#[test]
fn a_batch_of_packed_frames_is_whole() {
    let mut pair = pair(&Codec::ALL, &Codec::ALL);
    for _ in 0..5 {
        pair.dialer.engine.call(pair.now, &request("a.b", &text(100))).expect("room");
    }
    assert_eq!(frames(&pair.dialer.transmit()).len(), 5);
    assert_eq!(pair.dialer.engine.outbox_bytes(), 0);
}

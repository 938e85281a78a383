//! Every rule is broken once, by bytes made by hand, and the one who broke it is told which.

use super::pair::{Pair, config};
use super::raw::{
    ACK, CALL, CANCEL, EVENT, HELLO, Raw, STREAM, SUBSCRIBE, TRUE, bytes, call, credit, end, error,
    fragment, frame, last_words, map, open, text, uint,
};
use crate::config::Limits;
use crate::engine::event::{Event, PublishOptions, SubscribeOptions};
use crate::engine::frame::{GROUP, MORE, SEQ, VOLATILE};
use crate::engine::session::auth::{Credential, Identity, Rights};
use crate::engine::session::challenge::PublicKey;
use crate::engine::session::handshake::{HelloBody, encode_proof};
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::{Ephemeral, ResumeHello};
use crate::engine::violation::Violation;
use std::time::Duration;

/// How a rule is broken.
enum Scene {
    /// A dialer whose session is ready sends this.
    Ready(Vec<u8>),
    /// The same, on a session that can be resumed.
    Resumable(Vec<u8>),
    /// The same, to an acceptor with other limits.
    Bounded(Limits, Vec<u8>),
    /// A dialer sends this first.
    Early(Vec<u8>),
    /// An acceptor answers the offer with this.
    Answer(Vec<u8>),
    /// A longer story: gives what the offended side sent last.
    Play(fn() -> Vec<u8>),
    /// A story that was told: what the offended side sent last.
    #[allow(dead_code, reason = "only what features add is told so")]
    Said(Vec<u8>),
    /// It cannot end a session; the reason why.
    Never(&'static str),
}

fn offer(change: impl FnOnce(&mut HelloBody)) -> HelloBody {
    let config = config(Limits::default());
    let mut body = HelloBody::of(&config.limits, config.peer);
    change(&mut body);
    body
}

fn early(change: impl FnOnce(&mut HelloBody)) -> Scene {
    Scene::Early(Raw::of(HELLO).id(1).payload(&offer(change).encode()).frame())
}

fn answer(reference: u64, version: u64) -> Scene {
    let body = offer(|body| {
        body.session = Some([9; 16]);
        body.versions = vec![version];
    });
    Scene::Answer(Raw::of(HELLO).id(2).reference(reference).payload(&body.encode()).frame())
}

fn ready(raw: &Raw) -> Scene {
    Scene::Ready(raw.frame())
}

fn body(bytes: &[u8]) -> Scene {
    Scene::Ready(frame(0, bytes))
}

fn many(count: u64, each: impl Fn(u64) -> Vec<u8>) -> Scene {
    Scene::Ready((0..count).flat_map(each).collect())
}

fn frames(violation: Violation) -> Scene {
    let small = || Limits { frame_bytes_max: 1_024, message_bytes_max: 2_000, ..Limits::default() };
    let part = [0; 900];
    match violation {
        Violation::FrameEmpty => Scene::Ready(vec![0; 4]),
        Violation::FrameTooLong => Scene::Ready(((1_u32 << 20) + 1).to_be_bytes().to_vec()),
        Violation::FrameTooEarly => Scene::Early(((16_u32 << 10) + 1).to_be_bytes().to_vec()),
        Violation::FrameReserved => Scene::Ready(frame(1 << 7, b"x")),
        Violation::FrameCodec => Scene::Ready(frame(1, b"x")),
        Violation::FrameSealed => Scene::Ready(frame(1 << 2, b"x")),
        Violation::FrameSeq => Scene::Ready(frame(1 << 3, b"x")),
        Violation::FrameMore => Scene::Ready(frame(MORE, b"x")),
        Violation::FrameBody => Scene::Ready(frame(0, b"")),
        Violation::FrameVolatile => Scene::Ready(frame(VOLATILE, &call(3).body())),
        Violation::SeqPlace => Scene::Resumable(frame(SEQ | VOLATILE, b"x")),
        Violation::SeqNumber => Scene::Resumable(frame(SEQ, &[0x40, 1, 0])),
        Violation::GroupVolatile => {
            Scene::Ready([fragment(MORE, 1, b"x"), fragment(MORE | VOLATILE, 1, b"x")].concat())
        }
        Violation::GroupNumber => Scene::Ready(frame(GROUP, &[0x40, 1, 0])),
        Violation::GroupOrder => Scene::Ready(fragment(MORE, 0, b"x")),
        Violation::GroupsTooMany => many(33, |group| fragment(MORE, group as u8 + 1, b"x")),
        Violation::GroupBytes => Scene::Bounded(
            Limits { reassembly_bytes_max: 2_000, ..small() },
            (1..4).flat_map(|group| fragment(MORE, group, &part)).collect(),
        ),
        Violation::MessageTooLong => Scene::Bounded(small(), fragment(MORE, 1, &part).repeat(3)),
        Violation::GroupEarly => Scene::Early(fragment(0, 1, b"x")),
        Violation::GroupCodec | Violation::CodecBroken | Violation::CodecTooLarge => {
            packed(violation)
        }
        Violation::SealFailures | Violation::SealPadding => sealed(violation),
        _ => envelopes(violation),
    }
}

#[cfg(feature = "seal")]
fn sealed(violation: Violation) -> Scene {
    Scene::Said(super::sealed::break_rule(violation))
}

#[cfg(not(feature = "seal"))]
fn sealed(_: Violation) -> Scene {
    Scene::Never("nothing is sealed without the feature")
}

#[cfg(all(feature = "zstd", feature = "gzip"))]
fn packed(violation: Violation) -> Scene {
    Scene::Said(super::packed::break_rule(violation))
}

#[cfg(not(all(feature = "zstd", feature = "gzip")))]
fn packed(_: Violation) -> Scene {
    Scene::Never("nothing is compressed without the features")
}

fn envelopes(violation: Violation) -> Scene {
    let meta = |raw: Vec<u8>| ready(&call(3).meta(raw));
    let failed = |raw: Vec<u8>| ready(&Raw::of(CALL).reference(2).field(6, raw));
    let code = || (uint(0), uint(1));
    let global = |high: u8| [&[0x50, high][..], &[0; 14], &[1]].concat();
    let deep = [vec![0x81; 20], vec![0]].concat();
    match violation {
        Violation::EnvelopeShape => body(&[&[0x86, 2][..], &[0xf6; 5]].concat()),
        Violation::CborNotShortest => body(&[0x87, 0x18, 2]),
        Violation::CborIndefinite => body(&[0x9f]),
        Violation::CborTag => body(&[0x87, 0xc0]),
        Violation::CborSimple => body(&[0x87, 0xf7]),
        Violation::CborUtf8 => ready(&call(3).field(3, vec![0x61, 0xff])),
        Violation::CborKeyOrder => meta(map(&[(uint(1), uint(1)), (uint(1), uint(1))])),
        Violation::CborTrailing => body(&[call(3).body(), vec![0]].concat()),
        Violation::CborTruncated => body(&call(3).body()[..9]),
        Violation::CborDepth => meta(map(&[(uint(32), deep)])),
        Violation::CborType => body(&[0x87, 0x41, 0]),
        Violation::KindUnknown => ready(&Raw::of(8)),
        Violation::TargetLength => ready(&call(3).target("")),
        Violation::IdForm => ready(&call(3).field(1, global(0))),
        Violation::IdZero => ready(&call(3).field(1, uint(0))),
        Violation::IdParity => ready(&call(4)),
        Violation::IdOrder => many(2, |_| call(3).frame()),
        Violation::IdGlobal => ready(&call(3).field(1, global(1))),
        Violation::RefUnknown => many(65, |at| Raw::of(CANCEL).reference(1_001 + at).frame()),
        Violation::MetaKey => meta(map(&[(vec![0x20], uint(0))])),
        Violation::MetaEmpty => meta(vec![0xa0]),
        Violation::MetaEntries => meta(vec![0xb8, 65]),
        Violation::MetaBytes => meta(map(&[(text("k"), text(&"v".repeat(8_200)))])),
        Violation::MetaUnknown => meta(map(&[(uint(31), uint(0))])),
        Violation::MetaValue => meta(map(&[(uint(1), text("soon"))])),
        Violation::MetaFalse => meta(map(&[(uint(0), vec![0xf4])])),
        Violation::MetaUser => meta(map(&[(text("k"), uint(1))])),
        Violation::ErrorCode => failed(map(&[(uint(1), text("no code"))])),
        Violation::ErrorShape => failed(map(&[code(), (uint(5), uint(1))])),
        Violation::ErrorDetails => failed(map(&[code(), (uint(3), bytes(b"x"))])),
        Violation::ErrorLong => failed(map(&[code(), (uint(1), text(&"v".repeat(4_097)))])),
        _ => forms(violation),
    }
}

fn forms(violation: Violation) -> Scene {
    let of = Raw::of;
    let both = |raw: Raw| raw.payload(b"x").error(1);
    match violation {
        Violation::HelloOffer => ready(&of(HELLO)),
        Violation::HelloAnswer => ready(&of(HELLO).id(3).reference(2)),
        Violation::HelloConfirm => ready(&both(of(HELLO).reference(2))),
        Violation::CallRequest => ready(&of(CALL).id(3)),
        Violation::CallResponse => ready(&both(of(CALL).reference(2))),
        Violation::StreamOpen => ready(&of(STREAM).target("a.b")),
        Violation::StreamItem => ready(&of(STREAM).reference(2)),
        Violation::StreamEnd => ready(&both(of(STREAM).reference(2).meta(end()))),
        Violation::SubscribeAsk => ready(&of(SUBSCRIBE).target("a.b")),
        Violation::SubscribeAnswer => ready(&of(SUBSCRIBE).reference(2).payload(b"x")),
        Violation::SubscribeError => ready(&of(SUBSCRIBE).reference(2).error(1)),
        Violation::EventPublish => ready(&of(EVENT).target("a.b")),
        Violation::EventDeliver => ready(&of(EVENT).reference(2)),
        Violation::AckFields => ready(&of(ACK).target("a.b")),
        Violation::AckCredit => ready(&of(ACK).meta(credit(1))),
        Violation::CancelFields => ready(&of(CANCEL).id(3)),
        _ => handshakes(violation),
    }
}

fn handshakes(violation: Violation) -> Scene {
    match violation {
        Violation::PhaseEarly => Scene::Early(call(1).frame()),
        Violation::HelloTwice => ready(&Raw::of(HELLO).reference(2)),
        Violation::HelloRef => answer(99, 1),
        Violation::HelloMissing => Scene::Early(Raw::of(HELLO).id(1).payload(&[0xa0]).frame()),
        Violation::HelloForeign => early(|body| body.session = Some([1; 16])),
        Violation::HelloUnknown => {
            let mut body = offer(|_| {}).encode();
            body[0] += 1;
            body.extend([uint(31), uint(0)].concat());
            Scene::Early(Raw::of(HELLO).id(1).payload(&body).frame())
        }
        Violation::HelloLong => early(|body| body.peer.name = "n".repeat(257)),
        Violation::HelloLimits => early(|body| body.limits.groups_max = 0),
        Violation::HelloResume => early(|body| {
            let drawn = Ephemeral::new(&[1; 32]);
            body.resume = Some(ResumeHello { public: None, ..drawn.hello(false) });
        }),
        Violation::HelloVersion => answer(1, 2),
        Violation::HelloCaps => {
            let mut body = offer(|body| body.session = Some([9; 16]));
            body.codecs = vec![1];
            Scene::Answer(Raw::of(HELLO).id(2).reference(1).payload(&body.encode()).frame())
        }
        Violation::SealOffer
        | Violation::SealRequired
        | Violation::SealBroken
        | Violation::SealTranscript
        | Violation::SealKey
        | Violation::SealChallenge
        | Violation::SealAuth => sealed(violation),
        Violation::HandshakeLate => Scene::Play(|| {
            let mut pair = Pair::connecting(Limits::default(), Limits::default());
            pair.now = pair.now + Duration::from_secs(5);
            pair.acceptor.engine.handle_timeout(pair.now);
            pair.acceptor.transmit()
        }),
        Violation::NonceMissing => early(|body| {
            body.credential = Some(Credential::PublicKey(PublicKey::new([1; 32])));
        }),
        Violation::ProofWrong => Scene::Play(|| {
            let (mut pair, answer) = super::auth::challenged();
            pair.acceptor.take();
            let proof = encode_proof(&[7; 64]);
            let confirm = Raw::of(HELLO).reference(answer).payload(&proof);
            pair.reach_acceptor(&confirm.frame());
            pair.acceptor.transmit()
        }),
        Violation::Unauthenticated => {
            Scene::Never("a bad credential is the authenticator's to refuse, in the answer")
        }
        _ => sessions(violation),
    }
}

fn sessions(violation: Violation) -> Scene {
    match violation {
        Violation::RightPublish => Scene::Play(|| {
            let identity = Identity::new("reader", Rights::none().subscribe(">"));
            let mut pair = Pair::with(Limits::default(), Limits::default(), identity);
            let options = PublishOptions::default();
            pair.dialer.engine.publish(pair.now, "a.b", b"x", &options).expect("room");
            let batch = pair.dialer.transmit();
            pair.reach_acceptor(&batch);
            pair.acceptor.transmit()
        }),
        Violation::SeqGap => Scene::Resumable(frame(SEQ, &[&[2][..], &call(3).body()].concat())),
        Violation::ReceiptAhead => Scene::Resumable(super::receipts::receipt(1)),
        Violation::ResumeProof => Scene::Play(|| {
            let mut pair = Pair::resumable();
            pair.cut();
            let (mut gate, _) = pair.offer_again();
            gate.feed(pair.now, &Raw::of(HELLO).reference(2).payload(b"guess").frame());
            gate.transmit()
        }),
        Violation::ResumePosition => Scene::Never("it is told in the answer, as a refusal"),
        Violation::Silent => Scene::Play(|| quiet(25, |_| Vec::new())),
        Violation::Stalled => Scene::Play(stalled),
        Violation::TooSlow => Scene::Play(|| {
            // A frame of 512 bytes, one byte a second.
            quiet(70, |second| vec![if second == 3 { 2 } else { 0 }])
        }),
        Violation::Calm => many(2_049, |_| Raw::of(ACK).frame()),
        Violation::OutboxFull => Scene::Play(|| {
            let limits = Limits { outbox_bytes_max: 1_000, ..Limits::default() };
            let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
            pair.reach_acceptor(&call(3).frame());
            pair.acceptor.engine.respond(pair.now, 3, Ok(&[0; 1_001]));
            pair.acceptor.transmit()
        }),
        Violation::StreamsTooMany => Scene::Bounded(
            Limits { streams_max: 1, ..Limits::default() },
            [3, 5, 7].iter().flat_map(|id| open(*id).frame()).collect(),
        ),
        _ => streams(violation),
    }
}

fn streams(violation: Violation) -> Scene {
    let item = || Raw::of(STREAM).reference(3).payload(b"item").frame();
    let after = |raw: Raw, next: Vec<u8>| Scene::Ready([raw.frame(), next].concat());
    let one_byte = Limits { initial_credit: 1, ..Limits::default() };
    match violation {
        Violation::StreamEnded => after(open(3).meta(end()), item()),
        Violation::StreamResult => {
            after(open(3), Raw::of(STREAM).reference(3).meta(end()).payload(b"x").frame())
        }
        Violation::Credit => Scene::Bounded(one_byte, [open(3).frame(), item(), item()].concat()),
        Violation::CreditOverflow => ready(&open(3).meta(credit((1 << 31) + 1))),
        Violation::TopicMissing => Scene::Play(|| {
            let mut pair = Pair::ready();
            let options = SubscribeOptions::default();
            let engine = &mut pair.acceptor.engine;
            let id = engine.subscribe(pair.now, "a.*", &options).expect("room");
            pair.acceptor.transmit();
            pair.reach_acceptor(&Raw::of(EVENT).reference(id).payload(b"x").frame());
            pair.acceptor.transmit()
        }),
        Violation::Qos => ready(&Raw::of(EVENT).id(3).target("a.b").payload(b"x")),
        Violation::EventReserved => {
            let to = map(&[(uint(9), text("somebody"))]);
            ready(&Raw::of(EVENT).target("a.b").meta(to).payload(b"x"))
        }
        other => panic!("nobody breaks {other:?}: add a scene"),
    }
}

/// A peer from whom only `each(second)` comes, for so many seconds.
fn quiet(seconds: u32, each: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let mut pair = Pair::ready();
    for second in 1..=seconds {
        pair.now = pair.now + Duration::from_secs(1);
        let bytes = each(second);
        if !bytes.is_empty() {
            pair.reach_acceptor(&bytes);
        }
        pair.acceptor.engine.handle_timeout(pair.now);
        let batch = pair.acceptor.transmit();
        if pair.acceptor.engine.phase() == Phase::Closed {
            return batch;
        }
    }
    panic!("still alive")
}

/// A peer that asks, lives, and takes nothing.
fn stalled() -> Vec<u8> {
    let mut pair = Pair::ready();
    pair.reach_acceptor(&call(3).frame());
    pair.acceptor.engine.respond(pair.now, 3, Ok(b"x"));
    for _ in 0..45 {
        pair.now = pair.now + Duration::from_secs(1);
        pair.reach_acceptor(&Raw::of(ACK).frame());
        pair.acceptor.engine.handle_timeout(pair.now);
    }
    pair.acceptor.transmit()
}

fn play(scene: Scene) -> Option<(Vec<u8>, Option<Pair>)> {
    let at_acceptor = |mut pair: Pair, bytes: &[u8]| {
        pair.reach_acceptor(bytes);
        (pair.acceptor.transmit(), Some(pair))
    };
    let fresh = || Pair::connecting(Limits::default(), Limits::default());
    Some(match scene {
        Scene::Ready(bytes) => at_acceptor(Pair::ready(), &bytes),
        Scene::Resumable(bytes) => at_acceptor(Pair::resumable(), &bytes),
        Scene::Bounded(limits, bytes) => {
            at_acceptor(Pair::with(Limits::default(), limits, Identity::anonymous()), &bytes)
        }
        Scene::Early(bytes) => at_acceptor(fresh(), &bytes),
        Scene::Answer(bytes) => {
            let mut pair = fresh();
            pair.dialer.transmit();
            pair.reach_dialer(&bytes);
            (pair.dialer.transmit(), None)
        }
        Scene::Play(story) => (story(), None),
        Scene::Said(batch) => (batch, None),
        Scene::Never(reason) => {
            assert!(!reason.is_empty());
            return None;
        }
    })
}

/// `[L4.violation.1]`, and each rule that a [`Violation`] names: the session ends with a goodbye
/// that has the rule's code and begins with its id.
#[test]
fn every_rule_is_enforced_and_named() {
    for &violation in Violation::ALL {
        let Some((batch, pair)) = play(frames(violation)) else { continue };
        assert!(!batch.is_empty(), "{violation:?}: nothing was said");
        let (code, message) = last_words(&batch);
        let rule = format!("[{}] ", violation.rule());
        assert!(message.starts_with(&rule), "{violation:?}: {message}");
        assert_eq!(code, violation.code(), "{violation:?}");
        let Some(mut pair) = pair else { continue };
        let events = pair.acceptor.take();
        let closed = |event: &Event| matches!(event, Event::Closed { reason: Some(_) });
        assert!(events.last().is_some_and(closed), "{violation:?}: {events:?}");
        // [L4.violation.2]: nothing more is acted on.
        pair.reach_acceptor(&call(1_001).frame());
        assert!(pair.acceptor.take().is_empty() && pair.acceptor.transmit().is_empty());
        assert_eq!(pair.acceptor.engine.open_items(), 0);
    }
}

/// `[L4.violation.1]`: a side that is offended as the dialer says the same.
#[test]
fn the_dialer_is_no_less_strict() {
    let mut pair = Pair::ready();
    let stray = Raw::of(STREAM).reference(1).field(6, error(1)).meta(vec![0xa1, 0, TRUE, 0]);
    pair.reach_dialer(&stray.frame());
    let (_, message) = last_words(&pair.dialer.transmit());
    assert!(message.starts_with('['), "{message}");
    assert_eq!(pair.dialer.engine.phase(), Phase::Closed);
}

/// `[L3.cbor.7]`: keys that come twice, and keys out of order, of either kind.
#[test]
fn equal_text_keys() {
    let (one, two) = ((text("k"), text("1")), (text("k"), text("2")));
    let (long, short) = ((text("aa"), text("1")), (text("b"), text("2")));
    let number = (uint(1), uint(1));
    for entries in [[one.clone(), two], [long, short], [one, number]] {
        let mut pair = Pair::ready();
        pair.reach_acceptor(&call(3).meta(map(&entries)).frame());
        let (_, message) = last_words(&pair.acceptor.transmit());
        assert!(message.starts_with("[L3.cbor.7]"), "{entries:?}: {message}");
    }
}

//! HELLOs rewritten on their way: `[L4.seal.1]` to `[L4.seal.6]`, `[L4.caps.1]`.

use super::{Pair, XX, configs, connecting, drawing, handshake, key, linked, seal};
use crate::config::Limits;
use crate::engine::frame::decode;
use crate::engine::message::envelope::Envelope;
use crate::engine::session::auth::{Credential, Identity};
use crate::engine::session::handshake::{HelloBody, without_seal};
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::LinkFacts;
use crate::engine::tests::pair::config;
use crate::engine::tests::raw::{HELLO, Raw};
use crate::engine::time::Time;
use crate::engine::wire::compress::Codec;
use crate::engine::wire::seal::{Cipher, Pattern, Seal, Suite};
use crate::engine::{Engine, Role};
use crate::id::Id;
use bytes::BytesMut;

/// A HELLO with another body, everything else as it was.
fn rewritten(hello: &[u8], change: impl FnOnce(&mut HelloBody)) -> Vec<u8> {
    let frame = decode(&hello[4..]).expect("well-formed");
    let envelope = Envelope::decode(frame.body).expect("well-formed");
    let mut body = HelloBody::decode(envelope.payload.expect("a body")).expect("well-formed");
    change(&mut body);
    let id = envelope.id.and_then(Id::session).expect("an id");
    let raw = Raw::of(HELLO).id(id).payload(&body.encode());
    match envelope.reference.and_then(Id::session) {
        Some(reference) => raw.reference(reference).frame(),
        None => raw.frame(),
    }
}

/// What an acceptor says to an offer that was rewritten.
pub(super) fn offered(change: impl FnOnce(&mut HelloBody)) -> Vec<u8> {
    let mut pair = connecting(XX);
    let offer = rewritten(&pair.dialer.transmit(), change);
    pair.reach_acceptor(&offer);
    pair.acceptor.transmit()
}

/// An acceptor who knows of no seal.
pub(super) fn plain_answer() -> Vec<u8> {
    let config = config(Limits::default());
    let mut body = HelloBody::of(&config.limits, config.peer);
    body.session = Some([9; 16]);
    Raw::of(HELLO).id(2).reference(1).payload(&body.encode()).frame()
}

/// What a dialer says to an answer that was not the one its sealed hash is of.
pub(super) fn answered() -> Vec<u8> {
    let mut pair = connecting(XX);
    let offer = pair.dialer.transmit();
    pair.reach_acceptor(&offer);
    let answer = rewritten(&pair.acceptor.transmit(), |body| body.peer.name = "else".to_owned());
    pair.reach_dialer(&answer);
    pair.dialer.transmit()
}

type Change = fn(&mut HelloBody);

/// Everything that a body says, taken away or changed.
const CHANGES: [(&str, Change); 13] = [
    ("seals stripped", |body| body.seals.clear()),
    ("seal stripped", |body| body.seal.clear()),
    ("both stripped", |body| {
        body.seals.clear();
        body.seal.clear();
    }),
    ("another cipher", |body| body.seals = vec![2]),
    ("a suite more", |body| body.seals.push(2)),
    ("codecs stripped", |body| body.codecs.clear()),
    ("a codec stripped", |body| {
        body.codecs.pop();
    }),
    ("another name", |body| body.peer.name.push('x')),
    ("another instance", |body| body.peer.instance[0] ^= 1),
    ("a role more", |body| body.peer.roles.push("admin".to_owned())),
    ("a smaller frame", |body| body.limits.frame_bytes_max -= 1),
    ("a slower heartbeat", |body| body.heartbeat *= 2),
    ("a version more", |body| body.versions.push(2)),
];

/// Two sides that compress under their seal, so that there is something to strip.
fn compressing(suite: Suite) -> Pair {
    let [dialer, acceptor] = configs(suite).map(|mut config| {
        config.wire.compression.codecs = Codec::ALL.to_vec();
        config.wire.compression.under_seal = true;
        config
    });
    linked(dialer, acceptor)
}

#[test]
fn no_change_to_an_offer_goes_through() {
    for suite in Suite::ALL {
        for (what, change) in CHANGES {
            if what.contains("codec") && !(Codec::Zstd.is_available() && Codec::Gzip.is_available())
            {
                continue;
            }
            let mut pair = compressing(suite);
            let original = pair.dialer.transmit();
            let offer = rewritten(&original, change);
            if offer == original {
                continue;
            }
            pair.reach_acceptor(&offer);
            pair.run();
            pair.acceptor.engine.accept(pair.now, Identity::anonymous());
            pair.run();
            assert_eq!(pair.dialer.engine.phase(), Phase::Closed, "{suite:?}: {what}");
            assert_ne!(pair.acceptor.engine.phase(), Phase::Ready, "{suite:?}: {what}");
        }
    }
}

#[test]
fn no_change_to_an_answer_goes_through() {
    for suite in Suite::ALL {
        for (what, change) in CHANGES {
            if what.contains("codec") && !(Codec::Zstd.is_available() && Codec::Gzip.is_available())
            {
                continue;
            }
            let mut pair = compressing(suite);
            let offer = pair.dialer.transmit();
            pair.reach_acceptor(&offer);
            let original = pair.acceptor.transmit();
            let answer = rewritten(&original, change);
            if answer == original {
                continue;
            }
            pair.reach_dialer(&answer);
            pair.run();
            pair.acceptor.engine.accept(pair.now, Identity::anonymous());
            pair.run();
            assert_eq!(pair.dialer.engine.phase(), Phase::Closed, "{suite:?}: {what}");
            assert_ne!(pair.acceptor.engine.phase(), Phase::Ready, "{suite:?}: {what}");
        }
    }
}

/// `[L4.seal.4]`: both HELLOs are bound, and the ids that they have.
#[test]
fn the_ids_of_hellos_are_bound() {
    let mut pair = connecting(XX);
    let offer = pair.dialer.transmit();
    let frame = decode(&offer[4..]).expect("well-formed");
    let payload = Envelope::decode(frame.body).expect("well-formed").payload.expect("a body");
    pair.reach_acceptor(&Raw::of(HELLO).id(3).payload(payload).frame());
    let answer = pair.acceptor.transmit();
    let frame = decode(&answer[4..]).expect("well-formed");
    let payload = Envelope::decode(frame.body).expect("well-formed").payload.expect("a body");
    pair.reach_dialer(&Raw::of(HELLO).id(2).reference(1).payload(payload).frame());
    assert_eq!(pair.dialer.engine.phase(), Phase::Closed);
}

/// A machine in the middle with a key of its own, which dials the acceptor itself: XX shows the
/// dialer another key than the one that is pinned.
#[test]
fn whoever_sits_between_two_handshakes_gets_neither() {
    let [dialer, acceptor] = configs(XX);
    let mut middle_acceptor = acceptor.clone();
    middle_acceptor.wire.seal.as_mut().expect("sealed").key = Some(key(9));
    let mut pair = linked(dialer, middle_acceptor);
    pair.run();
    assert_eq!(pair.dialer.engine.phase(), Phase::Closed);
    assert!(pair.acceptor.take().iter().all(|event| !format!("{event:?}").contains("bearer")));
}

/// `[L4.seal.3]`: messages of one handshake do not fit into another, though the keys are the same.
#[test]
fn handshakes_cannot_be_spliced_or_replayed() {
    for suite in [XX, Suite { pattern: Pattern::Ik, ..XX }, Suite { pattern: Pattern::Nk, ..XX }] {
        let [_, answer, confirm, welcome] = handshake(&mut connecting(suite));
        let fresh = |random| {
            let [dialer, acceptor] = configs(suite);
            drawing(dialer, acceptor, random)
        };
        // An old answer to a new offer.
        let mut pair = fresh([150, 102]);
        pair.dialer.transmit();
        pair.reach_dialer(&answer);
        assert_eq!(pair.dialer.engine.phase(), Phase::Closed, "{suite:?}");
        // A new answer, and an old confirmation to it.
        let mut pair = fresh([101, 150]);
        let offer = pair.dialer.transmit();
        pair.reach_acceptor(&offer);
        pair.acceptor.transmit();
        pair.reach_acceptor(&confirm);
        assert_eq!(pair.acceptor.engine.phase(), Phase::Closed, "{suite:?}");
        // An old welcome.
        let mut pair = fresh([101, 150]);
        let offer = pair.dialer.transmit();
        pair.reach_acceptor(&offer);
        let answer = pair.acceptor.transmit();
        pair.reach_dialer(&answer);
        pair.dialer.transmit();
        pair.reach_dialer(&welcome);
        assert_eq!(pair.dialer.engine.phase(), Phase::Handshaking, "{suite:?}");
    }
}

/// `[L4.seal.1]`: the first message carries nothing that could be replayed.
#[test]
fn the_first_message_carries_no_payload() {
    let config = seal(XX, 2);
    let message = [[9; 32].as_slice(), b"early data"].concat();
    let random = Some([102; 32]);
    assert!(Seal::accept(&config, random, XX.number(), (1, b""), &message).is_err());
    assert!(Seal::accept(&config, random, XX.number(), (1, b""), &message[..32]).is_ok());
    let number = Suite { cipher: Cipher::AesGcm, ..XX }.number();
    assert_eq!(number, 2);
}

#[test]
fn the_message_that_seals_is_bound_as_zeros() {
    let [config, _] = configs(XX);
    let mut body = HelloBody::of(&config.limits, config.peer);
    body.credential = Some(Credential::None);
    body.seal = vec![7; 40];
    let bytes = body.encode();
    let blank = without_seal(&bytes);
    body.seal = vec![0; 40];
    assert_eq!(blank, body.encode());
    body.seal.clear();
    assert_eq!(without_seal(&body.encode()), body.encode());
}

/// Row 24: two that dial each other over one link, and one that hears itself, make no session;
/// sealed or not.
#[test]
fn crossing_offers_make_no_session() {
    for is_sealed in [true, false] {
        for seeds in [[1, 2], [1, 1]] {
            let dialer = |seed: u8| {
                let config = match is_sealed {
                    true => super::sealed(seal(XX, seed)),
                    false => config(Limits::default()),
                };
                let mut engine = Engine::new(config, Role::Dialer, Time::ZERO);
                engine.handle_link_up_with(Time::ZERO, LinkFacts::default().sealing([seed; 32]));
                engine
            };
            let mut ends = seeds.map(dialer);
            for _ in 0..3 {
                let said = [0, 1].map(|at: usize| {
                    let mut bytes = Vec::new();
                    ends[at].poll_transmit(&mut bytes);
                    bytes
                });
                ends[0].handle_bytes(Time::ZERO, &mut BytesMut::from(&said[1][..]));
                ends[1].handle_bytes(Time::ZERO, &mut BytesMut::from(&said[0][..]));
            }
            assert_eq!(ends.map(|end| end.phase()), [Phase::Closed; 2], "{is_sealed} {seeds:?}");
        }
    }
}

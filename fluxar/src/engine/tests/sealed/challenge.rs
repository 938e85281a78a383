//! Keys that sign behind a seal: `[L4.seal.9]`.

use super::relink::{acceptor, again, facts};
use super::{Pair, XX, closed, configs, handshake, linked};
use crate::engine::EngineConfig;
use crate::engine::event::Event;
use crate::engine::message::envelope::Envelope;
use crate::engine::message::kind::Kind;
use crate::engine::session::auth::{Credential, Identity};
use crate::engine::session::challenge::{IdentityKey, LinkBinding};
use crate::engine::session::handshake::decode_proof;
use crate::engine::session::phase::Phase;
use crate::engine::tests::raw::{bytes, frames, text};
use crate::engine::wire::seal::Suite;
use sha2::{Digest, Sha256};

fn key() -> IdentityKey {
    IdentityKey::from_seed(&[7; 32])
}

fn signing(suite: Suite) -> [EngineConfig; 2] {
    let [mut dialer, acceptor] = configs(suite);
    dialer.credential = Credential::Key(key());
    [dialer, acceptor]
}

/// Every suite proves the key, and shows it to nobody else.
#[test]
fn a_key_is_proved_behind_every_seal() {
    for suite in Suite::ALL {
        let [dialer, acceptor] = signing(suite);
        let mut pair = linked(dialer, acceptor);
        let hellos = handshake(&mut pair).concat();
        let asked = pair.acceptor.take();
        let [Event::Authenticate { credential, .. }, Event::Ready { .. }] = &asked[..] else {
            panic!("{suite:?}: {asked:?}")
        };
        assert_eq!(*credential, Credential::PublicKey(key().public()), "{suite:?}");
        let shown = hellos.windows(32).any(|window| window == key().public().as_bytes());
        assert!(!shown, "{suite:?}");
        assert_eq!(pair.dialer.engine.phase(), Phase::Ready);
    }
}

/// A signature over other HELLOs, as somebody in the middle would have it, is worth nothing.
#[test]
fn a_signature_fits_its_own_handshake_only() {
    for suite in Suite::ALL {
        let [dialer, acceptor] = signing(suite);
        let mut pair = linked(dialer, acceptor);
        let offer = pair.dialer.transmit();
        pair.dialer.engine.transcript.offered(b"another offer");
        pair.reach_acceptor(&offer);
        pair.run();
        let reason = closed(&pair.acceptor.take()).flatten().expect("a reason");
        assert!(reason.message().starts_with("[L4.seal.9]"), "{suite:?}: {reason:?}");
        assert_ne!(pair.dialer.engine.phase(), Phase::Ready, "{suite:?}");
    }
}

/// Each link of a session is signed for anew.
#[test]
fn a_key_is_proved_again_on_the_next_link() {
    let ready = || {
        let [dialer, acceptor] = signing(XX);
        let mut pair = Pair::linked((dialer, facts(1)), (acceptor, facts(2)))
            .made_ready(Identity::anonymous());
        pair.cut();
        pair
    };
    let mut pair = ready();
    let (_, attachment, _) = again(&mut pair, acceptor());
    let shown = attachment.expect("it is the same peer").credential().cloned();
    assert_eq!(shown, Some(Credential::PublicKey(key().public())));
    assert_eq!(pair.acceptor.engine.phase(), Phase::Ready);
    // The same, but nothing is signed.
    let mut pair = ready();
    pair.dialer.engine.present(Credential::PublicKey(key().public()));
    let (_, attachment, _) = again(&mut pair, acceptor());
    assert!(attachment.is_none());
    assert_eq!(pair.acceptor.engine.phase(), Phase::Detached);
}

/// `[L4.challenge.2]`, `[L4.seal.9]`: what is signed on a live session, made here anew from what
/// went over the link: both sides could leave the seal out, and would agree.
#[test]
fn a_live_session_signs_these_bytes() {
    let [dialer, acceptor] = configs(XX);
    let mut pair = linked(dialer, acceptor).made_ready(Identity::anonymous());
    for (end, seed) in [(&mut pair.dialer, 1), (&mut pair.acceptor, 2)] {
        end.engine.bind_link(LinkBinding { seed: [seed; 32], channel: Some([9; 32]) });
    }
    pair.dialer.engine.reauthenticate(pair.now, Credential::Key(key())).expect("ready");
    let sealed = pair.dialer.transmit();
    let offer = hello(pair.dialer.engine.before_sealing(&sealed));
    pair.reach_acceptor(&sealed);
    pair.acceptor.engine.accept(pair.now, Identity::anonymous());
    let sealed = pair.acceptor.transmit();
    let answer = hello(pair.acceptor.engine.before_sealing(&sealed));
    pair.reach_dialer(&sealed);
    let sealed = pair.dialer.transmit();
    let confirm = hello(pair.dialer.engine.before_sealing(&sealed));
    let channel = pair.acceptor.engine.seal_export(b"fluxar/1 challenge").expect("sealed");
    let mut signed = vec![0x84];
    signed.extend(text("fluxar/1 challenge"));
    for part in [Sha256::digest(offer).into(), Sha256::digest(answer).into(), channel] {
        let part: [u8; 32] = part;
        signed.extend(bytes(&part));
    }
    let proof = decode_proof(&confirm).expect("a proof");
    assert!(key().public().verifies(&signed, &proof));
}

/// The payload of the last message of a batch, which is a HELLO.
fn hello(batch: &[u8]) -> Vec<u8> {
    let (_, _, body) = frames(batch).pop().expect("something was sent");
    let envelope = Envelope::decode(&body).expect("well-formed");
    assert_eq!(envelope.kind, Kind::Hello);
    envelope.payload.expect("a payload").to_vec()
}

/// On a live session the seal is the channel that a signature is bound to: HELLOs that somebody
/// carries from one sealed link to another are signed for the first of them.
#[test]
fn a_live_session_signs_for_its_own_seal() {
    for is_bound in [true, false] {
        let [dialer, acceptor] = configs(XX);
        let mut pair = linked(dialer, acceptor).made_ready(Identity::anonymous());
        for (end, seed) in [(&mut pair.dialer, 1), (&mut pair.acceptor, 2)] {
            end.engine.bind_link(LinkBinding { seed: [seed; 32], channel: None });
        }
        let again = pair.dialer.engine.reauthenticate(pair.now, Credential::Key(key()));
        again.expect("ready");
        pair.run();
        assert!(matches!(pair.acceptor.take()[..], [Event::Authenticate { .. }]));
        pair.acceptor.engine.accept(pair.now, Identity::anonymous());
        let answer = pair.acceptor.transmit();
        if !is_bound {
            // What the acceptor would check if the seal did not count.
            let plain = pair.acceptor.engine.transcript.to_sign(None);
            let sealed =
                pair.acceptor.engine.transcript.to_sign(pair.acceptor.engine.seal_channel());
            assert_ne!(plain, sealed);
            pair.acceptor.engine.transcript.answered(b"another answer");
        }
        pair.reach_dialer(&answer);
        pair.run();
        let events = pair.acceptor.take();
        let is_known = events.iter().any(|event| matches!(event, Event::Identified { .. }));
        assert_eq!(is_known, is_bound, "{events:?}");
    }
}

//! Links that are sealed: what both ends see of them, and what a machine in the middle does.

mod challenge;
mod middle;
mod records;
mod relink;
mod strip;

use super::pair::{Pair, config, request};
use super::raw::{HELLO, Raw};
use crate::config::Limits;
use crate::engine::event::Event;
use crate::engine::session::auth::{Credential, Identity};
use crate::engine::session::challenge::PublicKey;
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::LinkFacts;
use crate::engine::violation::Violation;
use crate::engine::wire::compress::Codec;
use crate::engine::wire::seal::{Cipher, Pattern, Psk, SealConfig, SealKey, Suite};
use crate::engine::{Compression, EngineConfig, WireConfig};
use crate::error::{Code, Status};
use std::time::Duration;

/// What must never be seen from outside.
const CANARY: &str = "canary-token-0123456789";

fn key(seed: u8) -> SealKey {
    SealKey::from_bytes(&[seed; 32])
}

const XX: Suite = Suite { pattern: Pattern::Xx, cipher: Cipher::ChaChaPoly, has_psk: false };

/// A dialer (`seed` 1) or an acceptor (2) with everything that the suite may need.
fn seal(suite: Suite, seed: u8) -> SealConfig {
    SealConfig {
        suite,
        key: (seed == 2 || suite.pattern.is_mutual()).then(|| key(seed)),
        pinned: (seed == 1).then(|| key(2).public()),
        psk: suite.has_psk.then(|| Psk::from_bytes(&[77; 32])),
        required: true,
    }
}

fn sealed(seal: SealConfig) -> EngineConfig {
    let mut config = config(Limits::default());
    config.wire.seal = Some(seal);
    config
}

/// A dialer that presents the canary, and an acceptor.
fn configs(suite: Suite) -> [EngineConfig; 2] {
    let mut dialer = sealed(seal(suite, 1));
    dialer.credential = Credential::Bearer(CANARY.to_owned());
    [dialer, sealed(seal(suite, 2))]
}

/// Both with randomness of their own; a dialer's is [101; 32], an acceptor's [102; 32].
fn linked(dialer: EngineConfig, acceptor: EngineConfig) -> Pair {
    drawing(dialer, acceptor, [101, 102])
}

fn drawing(dialer: EngineConfig, acceptor: EngineConfig, random: [u8; 2]) -> Pair {
    let [ours, theirs] = random.map(|random| LinkFacts::default().sealing([random; 32]));
    Pair::linked((dialer, ours), (acceptor, theirs))
}

fn connecting(suite: Suite) -> Pair {
    let [dialer, acceptor] = configs(suite);
    linked(dialer, acceptor)
}

fn ready(suite: Suite) -> Pair {
    connecting(suite).made_ready(Identity::anonymous())
}

/// A session ready, whose handshake goes message by message: offer, answer, confirmation, welcome.
fn handshake(pair: &mut Pair) -> [Vec<u8>; 4] {
    let offer = pair.dialer.transmit();
    pair.reach_acceptor(&offer);
    let answer = pair.acceptor.transmit();
    pair.reach_dialer(&answer);
    let confirm = pair.dialer.transmit();
    pair.reach_acceptor(&confirm);
    pair.acceptor.engine.accept(pair.now, Identity::anonymous());
    let welcome = pair.acceptor.transmit();
    pair.reach_dialer(&welcome);
    [offer, answer, confirm, welcome]
}

fn contains(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

/// Calls from the dialer; gives the targets that the acceptor has seen.
fn call(pair: &mut Pair, target: &str) -> Vec<u8> {
    pair.dialer.engine.call(pair.now, &request(target, CANARY.as_bytes())).expect("room");
    pair.dialer.transmit()
}

fn targets(events: &[Event]) -> Vec<String> {
    let target = |event: &Event| match event {
        Event::Call { target, payload, .. } => {
            assert_eq!(payload.as_deref(), Some(CANARY.as_bytes()));
            Some(target.as_str().to_owned())
        }
        _ => None,
    };
    events.iter().filter_map(target).collect()
}

fn closed(events: &[Event]) -> Option<Option<Status>> {
    events.iter().find_map(|event| match event {
        Event::Closed { reason } => Some(reason.clone()),
        _ => None,
    })
}

/// `[L4.seal.6]`, `[L4.seal.7]`, `[L1.seal.1]`: every suite carries everything both ways, and none
/// of it in the clear.
#[test]
fn every_suite_carries_everything_and_shows_nothing() {
    for suite in Suite::ALL {
        let mut pair = connecting(suite);
        let hellos = handshake(&mut pair);
        let asked = pair.acceptor.take();
        let [Event::Authenticate { credential, seal_key, .. }, Event::Ready { .. }] = &asked[..]
        else {
            panic!("{suite:?}: {asked:?}")
        };
        assert_eq!(*credential, Credential::Bearer(CANARY.to_owned()));
        let shown = suite.pattern.is_mutual().then(|| key(1).public().to_bytes());
        assert_eq!(*seal_key, shown, "{suite:?}");
        assert_eq!(pair.dialer.engine.seal_key(), Some(key(2).public().to_bytes()));
        let (dialer, acceptor) = (&pair.dialer.engine, &pair.acceptor.engine);
        assert!(dialer.seal_hash().is_some() && dialer.seal_hash() == acceptor.seal_hash());
        assert_eq!(dialer.seal_export(b"a"), acceptor.seal_export(b"a"));
        assert_ne!(dialer.seal_export(b"a"), dialer.seal_export(b"b"));

        let large = [CANARY.as_bytes(), &[5; 300_000]].concat();
        let id = pair.dialer.engine.call(pair.now, &request("a.large", &large)).expect("room");
        let mut seen = hellos.concat();
        let mut carry = |pair: &mut Pair| loop {
            let (there, back) = (pair.dialer.transmit(), pair.acceptor.transmit());
            if there.is_empty() && back.is_empty() {
                break;
            }
            pair.reach_acceptor(&there);
            pair.reach_dialer(&back);
            seen.extend([there, back].concat());
        };
        carry(&mut pair);
        let events = pair.acceptor.take();
        let [Event::Call { payload: Some(payload), .. }] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(payload[..], large);
        pair.acceptor.engine.respond(pair.now, id, Ok(&large));
        carry(&mut pair);
        let events = pair.dialer.take();
        let Some(Event::Response { outcome: Ok(result), .. }) = events.last() else {
            panic!("{events:?}")
        };
        assert_eq!(result[..], large);
        assert!(!contains(&seen, "canary") && !contains(&seen, "a.large"), "{suite:?}");
    }
}

/// `[L4.seal.5]`: what is presented goes to nobody but the acceptor that was asked for.
#[test]
fn another_key_than_the_pinned_gets_no_credential() {
    for suite in Suite::ALL {
        let [dialer, mut acceptor] = configs(suite);
        let config = acceptor.wire.seal.as_mut().expect("sealed");
        config.key = Some(key(3));
        let mut pair = linked(dialer, acceptor);
        pair.run();
        let events = pair.acceptor.take();
        let asked = events.iter().any(|event| matches!(event, Event::Authenticate { .. }));
        assert!(!asked, "{suite:?}: {events:?}");
        let reason = closed(&pair.dialer.take()).flatten().expect("a reason");
        assert_eq!(reason.code(), Code::Unauthenticated, "{suite:?}");
        if suite.pattern == Pattern::Xx {
            assert!(reason.message().starts_with("[L4.seal.5]"), "{reason:?}");
        }
    }
}

#[test]
fn whoever_has_the_same_key_is_refused() {
    for suite in [XX, Suite { pattern: Pattern::Ik, ..XX }] {
        let [mut dialer, acceptor] = configs(suite);
        dialer.wire.seal.as_mut().expect("sealed").key = Some(key(2));
        let mut pair = linked(dialer, acceptor);
        pair.run();
        for events in [pair.dialer.take(), pair.acceptor.take()] {
            let reason = closed(&events).flatten().expect("a reason");
            assert!(reason.message().starts_with("[L4.seal.5]"), "{reason:?}");
        }
    }
}

#[test]
fn an_ephemeral_key_that_comes_back_is_refused() {
    let [dialer, acceptor] = configs(XX);
    let mut pair = drawing(dialer, acceptor, [101, 101]);
    pair.run();
    let reason = closed(&pair.acceptor.take()).flatten().expect("a reason");
    assert!(reason.message().starts_with("[L4.seal.5]"), "{reason:?}");
}

/// `[L4.seal.3]`: an invitation that is another one, or missing on either side.
#[test]
fn without_the_invitation_there_is_no_session() {
    for suite in Suite::ALL.into_iter().filter(|suite| suite.has_psk) {
        let other = Some(Psk::from_bytes(&[78; 32]));
        for (psk, has_psk) in [(other, true), (None, false)] {
            let [mut dialer, acceptor] = configs(suite);
            let config = dialer.wire.seal.as_mut().expect("sealed");
            (config.psk, config.suite.has_psk) = (psk, has_psk);
            let mut pair = linked(dialer, acceptor);
            pair.run();
            assert_eq!(pair.acceptor.engine.phase(), Phase::Closed);
            let reason = closed(&pair.dialer.take()).flatten().expect("a reason");
            assert!(reason.message().starts_with("[L4.seal.3]"), "{suite:?}: {reason:?}");
            assert_eq!(reason.code(), Code::Unauthenticated);
        }
    }
}

/// `[L4.seal.2]`: a side that requires a seal takes no less, whoever does not offer it.
#[test]
fn what_is_required_is_not_negotiated_away() {
    let plain = || config(Limits::default());
    let [dialer, acceptor] = configs(XX);
    for (dialer, acceptor) in [(plain(), acceptor), (dialer, plain())] {
        let mut pair = linked(dialer, acceptor);
        pair.run();
        pair.acceptor.engine.accept(pair.now, Identity::anonymous());
        pair.run();
        let reason = closed(&pair.dialer.take()).flatten().expect("a reason");
        assert!(reason.message().starts_with("[L4.seal.2]"), "{reason:?}");
        assert_eq!(reason.code(), Code::Unauthenticated);
        assert_ne!(pair.acceptor.engine.phase(), Phase::Ready);
    }
}

/// An acceptor that seals for those who ask takes others too.
#[test]
fn a_seal_may_be_left_to_the_dialer() {
    let [_, mut acceptor] = configs(XX);
    acceptor.wire.seal.as_mut().expect("sealed").required = false;
    let pair = linked(config(Limits::default()), acceptor.clone());
    let pair = pair.made_ready(Identity::anonymous());
    assert!(!pair.dialer.engine.is_sealed() && !pair.acceptor.engine.is_sealed());
    let pair = linked(sealed(seal(XX, 1)), acceptor).made_ready(Identity::anonymous());
    assert!(pair.dialer.engine.is_sealed() && pair.acceptor.engine.is_sealed());
}

/// `[L4.seal.7]`: a refusal is for the dialer alone, and the dialer is not ready before the welcome.
#[test]
fn a_refusal_is_sealed() {
    let mut pair = connecting(XX);
    pair.run();
    assert_eq!(pair.dialer.engine.phase(), Phase::Handshaking);
    let status = Status::new(Code::Unauthenticated, "canary is not a valid token");
    pair.acceptor.engine.refuse(pair.now, &status);
    let refusal = pair.acceptor.transmit();
    assert!(!contains(&refusal, "canary"));
    pair.reach_dialer(&refusal);
    let reason = closed(&pair.dialer.take()).flatten().expect("a reason");
    assert_eq!((reason.code(), reason.message()), (status.code(), status.message()));
}

/// `[L4.beat.2]`: on a sealed link only what the other side has sealed is a sign of life.
#[test]
fn noise_from_others_is_no_life() {
    let mut pair = ready(XX);
    for second in 0..30 {
        pair.now = pair.now + Duration::from_secs(1);
        if second % 3 == 0 {
            pair.reach_dialer(&Raw::of(HELLO).frame());
        }
        pair.dialer.engine.handle_timeout(pair.now);
        pair.dialer.transmit();
    }
    let reason = closed(&pair.dialer.take()).flatten().expect("a reason");
    assert!(reason.message().starts_with("[L4.beat.2]"), "{reason:?}");
}

/// `[L1.seal.6]`, `[L1.codec.6]`: nothing is compressed under a seal unless that was asked for; then lengths say
/// little.
#[test]
fn compression_under_a_seal_is_asked_for_and_padded() {
    let with = |under_seal| {
        let compression =
            Compression { codecs: Codec::ALL.to_vec(), under_seal, ..Compression::default() };
        let wired = |mut config: EngineConfig| {
            config.wire = WireConfig { compression: compression.clone(), ..config.wire };
            config
        };
        let [dialer, acceptor] = configs(XX).map(wired);
        linked(dialer, acceptor).made_ready(Identity::anonymous())
    };
    let text: String = (0..800_u32).map(|n| format!("{} again, ", n * n % 97)).collect();
    let lens = |under_seal| {
        let mut pair = with(under_seal);
        [0, 1, 7].map(|more| {
            let payload = [text.as_bytes(), &b"abcdefg"[..more]].concat();
            pair.dialer.engine.call(pair.now, &request("a.b", &payload)).expect("room");
            pair.dialer.transmit().len()
        })
    };
    let plain = lens(false);
    assert!(plain[0] > text.len() && plain[0] < plain[1] && plain[1] < plain[2], "{plain:?}");
    if Codec::Zstd.is_available() {
        let padded = lens(true);
        assert!(padded[0] < plain[0] && padded == [padded[0]; 3], "{padded:?}");
        let buckets = [256, 1 << 10, 4 << 10].map(|bucket| bucket + 4 + 1 + 16);
        assert!(buckets.contains(&padded[0]), "{padded:?}");
    }
}

/// `[L1.seal.7]`: whatever the frames may be otherwise, a sealed one is a message of Noise.
#[test]
fn long_frames_are_cut_for_their_seal() {
    let [mut dialer, acceptor] = configs(XX);
    dialer.limits.fragment_bytes = 1 << 20;
    let mut pair = linked(dialer, acceptor).made_ready(Identity::anonymous());
    let payload = vec![7; 300_000];
    pair.dialer.engine.call(pair.now, &request("a.b", &payload)).expect("room");
    let mut seen = Vec::new();
    loop {
        let batch = pair.dialer.transmit();
        if batch.is_empty() {
            break;
        }
        let mut rest = &batch[..];
        while let Some((len, behind)) = rest.split_first_chunk() {
            let len = u32::from_be_bytes(*len) as usize;
            seen.push(len);
            rest = &behind[len..];
        }
        pair.reach_acceptor(&batch);
    }
    assert!(seen.len() >= 5 && seen.iter().all(|len| *len <= 65_536), "{seen:?}");
    let events = pair.acceptor.take();
    let [Event::Call { payload: Some(got), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(got[..], payload);
}

/// Nothing secret is ever shown by `Debug`, the engine's included.
#[test]
fn debug_tells_no_secret() {
    let pair = ready(Suite { has_psk: true, ..XX });
    let shown = format!("{pair:?} {:?} {:?}", configs(XX), key(1));
    // Ephemeral and static secrets and the psk are one byte again and again.
    for secret in ["101, 101", "102, 102", "77, 77", "1, 1, 1", "2, 2, 2", CANARY] {
        assert!(!shown.contains(secret), "{secret}");
    }
    let export = pair.dialer.engine.seal_export(b"fluxar/1 exporter").expect("sealed");
    assert!(!shown.contains(&format!("{export:?}")));
}

/// The rules that are broken by bytes made by hand, for the list of all.
pub(super) fn break_rule(violation: Violation) -> Vec<u8> {
    match violation {
        Violation::SealOffer => strip::offered(|body| body.seals = vec![99]),
        Violation::SealAuth => {
            strip::offered(|body| body.credential = Some(Credential::ApiKey("k".to_owned())))
        }
        Violation::SealBroken => strip::offered(|body| body.seal.truncate(31)),
        Violation::SealKey => strip::offered(|body| body.seal.fill(0)),
        Violation::SealTranscript => strip::answered(),
        Violation::SealRequired => {
            let mut pair = linked(sealed(seal(XX, 1)), config(Limits::default()));
            pair.dialer.transmit();
            pair.reach_dialer(&strip::plain_answer());
            pair.dialer.transmit()
        }
        Violation::SealFailures => {
            let mut pair = ready(XX);
            (0..16).for_each(|_| pair.reach_acceptor(&Raw::of(HELLO).frame()));
            records::opened_by_dialer(&mut pair)
        }
        Violation::SealPadding => records::without_frames(),
        Violation::SealChallenge => {
            let mut dialer = sealed(seal(XX, 1));
            // A key without a signature.
            dialer.credential = Credential::PublicKey(PublicKey::new([1; 32]));
            let mut pair = linked(dialer, sealed(seal(XX, 2)));
            let offer = pair.dialer.transmit();
            pair.reach_acceptor(&offer);
            let answer = pair.acceptor.transmit();
            pair.reach_dialer(&answer);
            let confirm = pair.dialer.transmit();
            pair.reach_acceptor(&confirm);
            records::opened_by_dialer(&mut pair)
        }
        other => panic!("nobody breaks {other:?}: add a scene"),
    }
}

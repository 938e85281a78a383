//! A sealed session on one link after the other: `[L4.seal.8]`.

use super::{CANARY, Pair, XX, call, configs, contains, key, targets};
use crate::engine::event::Event;
use crate::engine::session::auth::{Credential, Identity};
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::{Attachment, LinkFacts};
use crate::engine::tests::raw::{CALL, Raw};
use crate::engine::{Engine, EngineConfig, Role};
use bytes::BytesMut;

pub(super) fn facts(random: u8) -> LinkFacts {
    LinkFacts::random([random; 32]).sealing([random + 100; 32])
}

fn resumable() -> Pair {
    let [dialer, acceptor] = configs(XX);
    Pair::linked((dialer, facts(1)), (acceptor, facts(2))).made_ready(Identity::anonymous())
}

/// The HELLOs of another link, at an acceptor made of this: what it hands over, and all bytes.
pub(super) fn again(pair: &mut Pair, gate: EngineConfig) -> (Engine, Option<Attachment>, Vec<u8>) {
    let mut gate = Engine::new(gate, Role::Acceptor, pair.now);
    gate.handle_link_up_with(pair.now, facts(4));
    pair.dialer.engine.handle_link_up_with(pair.now, facts(3));
    let mut seen = pair.dialer.transmit();
    let mut inbox = BytesMut::from(&seen[..]);
    gate.handle_bytes(pair.now, &mut inbox);
    let asked = gate.poll_event();
    if matches!(asked, Some(Event::Resume { credential: Credential::None, .. })) {
        gate.accept_resume(pair.now, pair.acceptor.engine.ticket().expect("resumable"));
    }
    let mut answer = Vec::new();
    gate.poll_transmit(&mut answer);
    pair.reach_dialer(&answer);
    let confirm = pair.dialer.transmit();
    inbox.extend_from_slice(&confirm);
    gate.handle_bytes(pair.now, &mut inbox);
    seen.extend([answer, confirm].concat());
    let attachment = match gate.poll_event() {
        Some(Event::Handover { attachment }) => Some(attachment),
        _ => None,
    };
    pair.acceptor.engine.handle_link_down(
        pair.now,
        &crate::error::Status::new(crate::error::Code::Unavailable, "lost"),
    );
    pair.acceptor.take();
    if let Some(attachment) = &attachment {
        let seal = gate.take_link_seal().expect("sealed");
        if pair.acceptor.engine.attach_sealed(pair.now, attachment, seal) {
            pair.reach_acceptor(&inbox);
        }
    }
    (gate, attachment, seen)
}

pub(super) fn acceptor() -> EngineConfig {
    let [_, acceptor] = configs(XX);
    acceptor
}

#[test]
fn a_session_goes_on_behind_another_seal() {
    let mut pair = resumable();
    let export = pair.dialer.engine.seal_export(b"a");
    let lost = call(&mut pair, "a.lost");
    pair.cut();
    let (_, attachment, seen) = again(&mut pair, acceptor());
    let attachment = attachment.expect("it is the same peer");
    // What is presented is sealed again, and for the one who attaches to look at.
    assert_eq!(attachment.credential(), Some(&Credential::Bearer(CANARY.to_owned())));
    assert!(!contains(&seen, "canary") && !contains(&seen, "a.lost"));
    pair.run();
    assert_eq!(targets(&pair.acceptor.take()), ["a.lost"], "sent again, and taken once");
    assert!(pair.dialer.engine.is_sealed() && pair.acceptor.engine.is_sealed());
    assert_ne!(pair.dialer.engine.seal_export(b"a"), export, "keys are a link's own");
    // What was sealed for the link before opens on no other.
    pair.reach_acceptor(&lost);
    assert!(pair.acceptor.take().is_empty());
    assert_eq!(pair.acceptor.engine.phase(), Phase::Ready);
}

#[test]
fn no_other_peer_takes_a_session_over() {
    // Another key at the dialer, though it has the session's secret.
    let mut pair = resumable();
    pair.cut();
    let key = key(7);
    pair.dialer.engine.config.wire.seal.as_mut().expect("sealed").key = Some(key);
    let (_, attachment, _) = again(&mut pair, acceptor());
    assert!(attachment.is_some(), "its handshake is fine");
    assert_eq!(pair.acceptor.engine.phase(), Phase::Detached, "and the session is not its own");
    // Another key at the acceptor, when the first contact pinned none.
    let [mut dialer, acceptor] = configs(XX);
    dialer.wire.seal.as_mut().expect("sealed").pinned = None;
    let mut other = acceptor.clone();
    other.wire.seal.as_mut().expect("sealed").key = Some(super::key(8));
    let pair = Pair::linked((dialer, facts(1)), (acceptor, facts(2)));
    let mut pair = pair.made_ready(Identity::anonymous());
    pair.cut();
    let (_, attachment, seen) = again(&mut pair, other);
    assert!(attachment.is_none());
    assert!(!contains(&seen, "canary"));
    let events = pair.dialer.take();
    let Some(Event::Detached { reason }) = events.last() else { panic!("{events:?}") };
    assert!(reason.message().starts_with("[L4.seal.5]"), "{reason:?}");
}

#[test]
fn a_sealed_session_takes_no_link_without_a_seal() {
    let mut pair = resumable();
    pair.cut();
    let mut plain = acceptor();
    plain.wire.seal = None;
    let (_, attachment, _) = again(&mut pair, plain);
    assert!(attachment.is_none());
    let mut pair = resumable();
    pair.cut();
    pair.dialer.engine.config.wire.seal = None;
    pair.dialer.engine.handle_link_up_with(pair.now, facts(3));
    let offer = pair.dialer.transmit();
    let mut gate = Engine::new(acceptor(), Role::Acceptor, pair.now);
    gate.handle_link_up_with(pair.now, facts(4));
    gate.handle_bytes(pair.now, &mut BytesMut::from(&offer[..]));
    let Some(Event::Closed { reason: Some(reason) }) = gate.poll_event() else {
        panic!("it is refused")
    };
    assert!(reason.message().starts_with("[L4.seal.2]"), "{reason:?}");
}

/// `[L1.seal.2]`: whoever spoils a link has spoiled that link, and not the session.
#[test]
fn a_spoiled_link_is_left_for_another() {
    let mut pair = resumable();
    // More than enough in one go: of what comes behind nothing is read either.
    let forged = Raw::of(CALL).id(3).target("a.forged").payload(b"x").frame();
    pair.reach_acceptor(&forged.repeat(20));
    let events = pair.acceptor.take();
    let [Event::Detached { reason }] = &events[..] else { panic!("{events:?}") };
    assert!(reason.message().starts_with("[L1.seal.2]"), "{reason:?}");
    call(&mut pair, "a.lost");
    pair.cut();
    again(&mut pair, acceptor());
    pair.run();
    assert_eq!(targets(&pair.acceptor.take()), ["a.lost"]);
}

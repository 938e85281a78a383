//! Keys, second credentials, and credentials that end.

use super::pair::{Pair, config, request};
use super::raw::{HELLO, Raw, frames, last_words};
use crate::config::Limits;
use crate::engine::event::{Delivered, Event, PublishOptions, SubscribeOptions};
use crate::engine::message::envelope::Envelope;
use crate::engine::session::auth::{Credential, Identity, Rights};
use crate::engine::session::challenge::{IdentityKey, LinkBinding};
use crate::engine::session::handshake::HelloBody;
use crate::engine::session::phase::Phase;
use crate::engine::time::Time;
use crate::engine::{Engine, EngineConfig, Role};
use crate::error::{Code, Status};
use bytes::{Bytes, BytesMut};
use std::time::Duration;

fn key() -> IdentityKey {
    IdentityKey::from_seed(&[3; 32])
}

fn binding(seed: u8, channel: Option<u8>) -> LinkBinding {
    LinkBinding { seed: [seed; 32], channel: channel.map(|byte| [byte; 32]) }
}

/// Both sides before the link is up, the dialer with a key.
fn bound(dialer: Option<LinkBinding>, acceptor: Option<LinkBinding>) -> (Engine, Engine) {
    let now = Time::from_micros(1_000_000);
    let with = EngineConfig { credential: Credential::Key(key()), ..config(Limits::default()) };
    let mut ends = (
        Engine::new(with, Role::Dialer, now),
        Engine::new(config(Limits::default()), Role::Acceptor, now),
    );
    dialer.into_iter().for_each(|binding| ends.0.bind_link(binding));
    acceptor.into_iter().for_each(|binding| ends.1.bind_link(binding));
    ends.0.handle_link_up(now);
    ends.1.handle_link_up(now);
    ends
}

fn carry(from: &mut Engine, to: &mut Engine) -> Vec<u8> {
    let mut batch = Vec::new();
    from.poll_transmit(&mut batch);
    to.handle_bytes(to.now(), &mut BytesMut::from(&batch[..]));
    batch
}

fn events(engine: &mut Engine) -> Vec<Event> {
    std::iter::from_fn(|| engine.poll_event()).collect()
}

/// A handshake with a key; gives what the acceptor was asked and what came of it.
fn shake(dialer: &mut Engine, acceptor: &mut Engine) -> (Vec<Event>, Vec<Event>) {
    carry(dialer, acceptor);
    let asked = events(acceptor);
    acceptor.accept(acceptor.now(), Identity::new("ada", Rights::all()));
    carry(acceptor, dialer);
    carry(dialer, acceptor);
    (asked, events(acceptor))
}

/// A pair whose acceptor waits for a proof, and the id of its answer.
pub(crate) fn challenged() -> (Pair, u64) {
    let mut pair = Pair::connecting(Limits::default(), Limits::default());
    pair.acceptor.engine.bind_link(binding(2, None));
    let (mut dialer, _) = bound(Some(binding(1, None)), None);
    let mut offer = Vec::new();
    dialer.poll_transmit(&mut offer);
    pair.reach_acceptor(&offer);
    pair.acceptor.engine.accept(pair.now, Identity::anonymous());
    let answer = frames(&pair.acceptor.transmit());
    let answer = Envelope::decode(&answer[0].2).expect("well-formed");
    (pair, answer.id.and_then(crate::id::Id::session).expect("an id"))
}

/// `[L4.challenge.1]`, `[L4.challenge.2]`: over plain and over encrypted links.
#[test]
fn a_key_is_proved_by_signing_both_hellos() {
    for channel in [None, Some(9)] {
        let (mut dialer, mut acceptor) =
            bound(Some(binding(1, channel)), Some(binding(2, channel)));
        let (asked, ready) = shake(&mut dialer, &mut acceptor);
        let [Event::Authenticate { credential, .. }] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(credential, &Credential::PublicKey(key().public()));
        assert!(matches!(ready[..], [Event::Ready { .. }]), "{ready:?}");
        assert_eq!(acceptor.identity().name, "ada");
    }
}

/// `[L4.challenge.2]`: row 38. Somebody in the middle has a link of its own to each side, and
/// carries every byte: the channels differ, and so does what is signed.
#[test]
fn a_proof_from_another_link_is_worth_nothing() {
    for (one, other) in [(Some(1), Some(2)), (Some(1), None), (None, Some(1))] {
        let (mut dialer, mut acceptor) = bound(Some(binding(1, one)), Some(binding(2, other)));
        let (_, after) = shake(&mut dialer, &mut acceptor);
        assert!(
            matches!(&after[..], [Event::Closed { reason: Some(status) }]
                if status.code() == Code::Unauthenticated),
            "{after:?}"
        );
        assert_ne!(acceptor.identity().name, "ada", "nobody came in");
        let mut words = Vec::new();
        acceptor.poll_transmit(&mut words);
        assert!(last_words(&words).1.starts_with("[L4.challenge.2]"));
    }
}

/// `[L4.challenge.2]`: a whole handshake, recorded and played again.
#[test]
fn a_recorded_proof_is_worth_nothing() {
    let (mut dialer, mut acceptor) = bound(Some(binding(1, None)), Some(binding(2, None)));
    let offer = carry(&mut dialer, &mut acceptor);
    acceptor.accept(acceptor.now(), Identity::anonymous());
    carry(&mut acceptor, &mut dialer);
    let confirm = carry(&mut dialer, &mut acceptor);
    let (_, mut again) = bound(None, Some(binding(5, None)));
    again.handle_bytes(again.now(), &mut BytesMut::from(&offer[..]));
    again.accept(again.now(), Identity::anonymous());
    again.handle_bytes(again.now(), &mut BytesMut::from(&confirm[..]));
    assert_eq!(again.phase(), Phase::Closed);
}

/// `[L4.challenge.1]`: row 24. An acceptor that gives a dialer its own nonce back makes it sign
/// nothing.
#[test]
fn a_nonce_that_comes_back_is_refused() {
    let (mut dialer, _) = bound(Some(binding(1, None)), None);
    let mut offer = Vec::new();
    dialer.poll_transmit(&mut offer);
    let envelope = frames(&offer);
    let envelope = Envelope::decode(&envelope[0].2).expect("well-formed");
    let mut body = HelloBody::decode(envelope.payload.expect("a body")).expect("well-formed");
    assert!(body.nonce.is_some());
    body.credential = None;
    body.session = Some([1; 16]);
    let answer =
        |body: &HelloBody| Raw::of(HELLO).id(2).reference(1).payload(&body.encode()).frame();
    let mut reflected = BytesMut::from(&answer(&body)[..]);
    dialer.handle_bytes(dialer.now(), &mut reflected);
    let mut words = Vec::new();
    dialer.poll_transmit(&mut words);
    assert!(last_words(&words).1.starts_with("[L4.challenge.1]"));
    // The same without any nonce, and the whole offer mirrored.
    let (mut dialer, _) = bound(Some(binding(1, None)), None);
    carry_away(&mut dialer);
    body.nonce = None;
    dialer.handle_bytes(dialer.now(), &mut BytesMut::from(&answer(&body)[..]));
    assert_eq!(dialer.phase(), Phase::Closed);
    let (mut dialer, _) = bound(Some(binding(1, None)), None);
    let mirrored = carry_away(&mut dialer);
    dialer.handle_bytes(dialer.now(), &mut BytesMut::from(&mirrored[..]));
    assert_eq!(dialer.phase(), Phase::Closed);
}

fn carry_away(engine: &mut Engine) -> Vec<u8> {
    let mut batch = Vec::new();
    engine.poll_transmit(&mut batch);
    batch
}

/// `[L4.challenge.1]`: a side that has no nonce to give takes no key.
#[test]
fn without_a_nonce_of_its_own_an_acceptor_takes_no_key() {
    let (mut dialer, mut acceptor) = bound(Some(binding(1, None)), None);
    carry(&mut dialer, &mut acceptor);
    assert!(matches!(events(&mut acceptor)[..], [Event::Closed { .. }]));
}

/// A confirmation without the proof that is due, and one with a payload that is not.
#[test]
fn a_confirmation_holds_what_is_due_and_nothing_else() {
    let (mut pair, answer) = challenged();
    pair.reach_acceptor(&Raw::of(HELLO).reference(answer).frame());
    assert_eq!(pair.acceptor.engine.phase(), Phase::Closed);
    let mut pair = Pair::connecting(Limits::default(), Limits::default());
    let offer = pair.dialer.transmit();
    pair.reach_acceptor(&offer);
    pair.acceptor.engine.accept(pair.now, Identity::anonymous());
    pair.acceptor.transmit();
    pair.reach_acceptor(&Raw::of(HELLO).reference(2).payload(&[0xa0]).frame());
    assert!(last_words(&pair.acceptor.transmit()).1.starts_with("[L3.hello.3]"));
}

/// Work of the dialer's on a session: a call, a stream and a subscription, all open.
fn working(identity: Identity) -> Pair {
    let mut pair = Pair::with(Limits::default(), Limits::default(), identity);
    let (now, engine) = (pair.now, &mut pair.dialer.engine);
    engine.call(now, &request("a.b", b"")).expect("room");
    engine.open_stream(now, &request("a.c", b""), false, None).expect("room");
    engine.subscribe(now, "t.*", &SubscribeOptions::default()).expect("room");
    pair.run();
    let opened = pair.acceptor.take();
    let [Event::Call { .. }, Event::Stream { .. }, Event::Subscribe { id, .. }] = opened[..] else {
        panic!("{opened:?}")
    };
    pair.acceptor.engine.grant(now, id);
    pair.run();
    pair.dialer.take();
    pair
}

fn token(text: &str) -> Credential {
    Credential::Bearer(text.into())
}

fn reauthenticate(pair: &mut Pair, identity: Result<Identity, Status>) {
    pair.dialer.engine.reauthenticate(pair.now, token("fresh")).expect("ready");
    pair.run();
    let asked = pair.acceptor.take();
    assert!(
        matches!(&asked[..], [Event::Authenticate { credential, .. }] if *credential == token("fresh")),
        "{asked:?}"
    );
    match identity {
        Ok(identity) => pair.acceptor.engine.accept(pair.now, identity),
        Err(status) => pair.acceptor.engine.refuse(pair.now, &status),
    }
    pair.run();
}

/// `[L4.reauth.1]`: what is open goes on; what is new is judged by the new rights.
#[test]
fn another_credential_changes_rights_and_drops_nothing() {
    let mut pair = working(Identity::new("ada", Rights::all()));
    reauthenticate(
        &mut pair,
        Ok(Identity::new("grace", Rights::none().call("x.*").subscribe("t.one"))),
    );
    assert!(matches!(pair.dialer.take()[..], [Event::Reauthenticated { outcome: Ok(()) }]));
    let told = pair.acceptor.take();
    assert!(matches!(&told[..], [Event::Identified { identity }] if identity.name == "grace"));
    assert_eq!(pair.acceptor.engine.identity().name, "grace");
    assert_eq!(pair.acceptor.engine.open_items(), 3);
    let (now, payload) = (pair.now, Bytes::from_static(b"x"));
    let id = 7; // HELLO 1, call 3, stream 5.
    let deliver = |pair: &mut Pair, topic: &str| {
        pair.acceptor.engine.deliver(now, id, topic, &payload, &PublishOptions::new())
    };
    assert_ne!(deliver(&mut pair, "t.one"), Delivered::Dropped);
    assert_eq!(deliver(&mut pair, "t.two"), Delivered::Dropped, "checked at delivery");
    pair.dialer.engine.call(now, &request("a.b", b"")).expect("room");
    pair.dialer.engine.call(now, &request("x.y", b"")).expect("room");
    pair.run();
    assert!(
        matches!(&pair.acceptor.take()[..], [Event::Call { target, .. }] if target.as_str() == "x.y")
    );
    pair.acceptor.engine.respond(now, 3, Ok(b"late, and welcome"));
    pair.run();
    let events = pair.dialer.take();
    assert!(
        events.iter().any(|e| matches!(e, Event::Response { id: 3, outcome: Ok(_) })),
        "{events:?}"
    );
}

/// `[L4.reauth.2]`
#[test]
fn a_refused_credential_leaves_the_old_one() {
    let mut pair = working(Identity::new("ada", Rights::all()));
    reauthenticate(&mut pair, Err(Status::new(Code::Unauthenticated, "no")));
    let told = pair.dialer.take();
    assert!(
        matches!(&told[..], [Event::Reauthenticated { outcome: Err(status) }]
            if status.code() == Code::Unauthenticated),
        "{told:?}"
    );
    assert!(pair.acceptor.take().is_empty());
    assert_eq!(
        (pair.acceptor.engine.identity().name.as_str(), pair.acceptor.engine.open_items()),
        ("ada", 3)
    );
    reauthenticate(&mut pair, Ok(Identity::new("grace", Rights::all())));
    assert_eq!(pair.acceptor.engine.identity().name, "grace", "and may be tried again");
}

/// `[L4.reauth.3]`: one at a time, and only from the dialer; nobody waits for a decision for ever.
#[test]
fn offers_do_not_pile_up() {
    let mut pair = Pair::ready();
    assert!(pair.acceptor.engine.reauthenticate(pair.now, token("a")).is_err());
    pair.dialer.engine.reauthenticate(pair.now, token("a")).expect("ready");
    assert!(pair.dialer.engine.reauthenticate(pair.now, token("b")).is_err());
    pair.run();
    let offer = HelloBody::of(&Limits::default(), Default::default()).encode();
    pair.reach_acceptor(&Raw::of(HELLO).id(99).payload(&offer).frame());
    let refusal = frames(&pair.acceptor.transmit());
    let refusal = Envelope::decode(&refusal[0].2).expect("well-formed");
    assert!(refusal.error.is_some_and(|error| error.message.starts_with("[L4.phase.2]")));
    assert_eq!(pair.acceptor.take().len(), 1, "nobody is asked twice");
    pair.pass(Duration::from_secs(6));
    let told = pair.dialer.take();
    assert!(
        matches!(&told[..], [Event::Reauthenticated { outcome: Err(status) }]
            if status.code() == Code::DeadlineExceeded),
        "{told:?}"
    );
    pair.acceptor.engine.accept(pair.now, Identity::new("late", Rights::all()));
    pair.run();
    assert_ne!(pair.acceptor.engine.identity().name, "late");
    assert_eq!(pair.acceptor.engine.phase(), Phase::Ready);
}

/// `[L4.reauth.3]`: what is decided is decided about one offer; the next is another.
#[test]
fn an_offer_is_asked_about_by_its_id() {
    let mut pair = Pair::ready();
    let offered = |pair: &mut Pair, name| {
        pair.dialer.engine.reauthenticate(pair.now, token(name)).expect("ready");
        pair.run();
        let asked = pair.acceptor.take();
        let [Event::Authenticate { offer, .. }] = asked[..] else { panic!("{asked:?}") };
        offer
    };
    let first = offered(&mut pair, "a");
    assert!(pair.acceptor.engine.is_asking(first));
    pair.pass(Duration::from_secs(6));
    assert!(!pair.acceptor.engine.is_asking(first), "its time is over");
    let second = offered(&mut pair, "b");
    assert!(pair.acceptor.engine.is_asking(second) && !pair.acceptor.engine.is_asking(first));
}

/// `[L4.reauth.1]`: a key is proved anew, over nonces of its own.
#[test]
fn a_key_is_proved_again() {
    let (mut dialer, mut acceptor) = bound(Some(binding(1, None)), Some(binding(2, None)));
    shake(&mut dialer, &mut acceptor);
    events(&mut dialer);
    let now = dialer.now();
    let other = IdentityKey::from_seed(&[4; 32]);
    dialer.reauthenticate(now, Credential::Key(other.clone())).expect("ready");
    let (asked, told) = shake(&mut dialer, &mut acceptor);
    assert!(matches!(&asked[..], [Event::Authenticate { credential, .. }]
        if *credential == Credential::PublicKey(other.public())));
    assert!(matches!(told[..], [Event::Identified { .. }]), "{told:?}");
    assert!(matches!(events(&mut dialer)[..], [Event::Reauthenticated { outcome: Ok(()) }]));
}

/// `[L4.auth.3]`: in virtual time, to the microsecond.
#[test]
fn what_a_credential_has_opened_ends_with_it() {
    let identity = Identity::new("ada", Rights::all()).valid_for(Duration::from_secs(60));
    let mut pair = working(identity);
    pair.pass(Duration::from_micros(59_999_999));
    assert!(pair.acceptor.take().is_empty());
    pair.pass(Duration::from_micros(1));
    let told = pair.acceptor.take();
    let over = |status: &Status| status.code() == Code::Unauthenticated;
    assert!(
        matches!(&told[..], [
            Event::Cancelled { id: 3, status: call },
            Event::Cancelled { id: 5, status: stream },
            Event::Unsubscribed { id: 7 },
            Event::Identified { identity },
        ] if over(call) && over(stream) && identity.name == "ada"),
        "{told:?}"
    );
    // The handlers stop, as after any cancellation.
    let stopped = Status::new(Code::Cancelled, "stopped");
    pair.acceptor.engine.respond(pair.now, 3, Err(&stopped));
    pair.acceptor.engine.end_stream(pair.now, 5, Err(&stopped));
    pair.run();
    let heard = pair.dialer.take();
    let ends = heard.iter().filter(|event| match event {
        Event::Response { outcome: Err(status), .. }
        | Event::StreamEnd { outcome: Err(status), .. }
        | Event::SubscriptionEnd { status: Some(status), .. } => over(status),
        _ => false,
    });
    assert_eq!(ends.count(), 3, "{heard:?}");
    // The session lives, and takes nothing new but another credential.
    let (now, options) = (pair.now, PublishOptions::default());
    pair.dialer.engine.call(now, &request("a.b", b"")).expect("room");
    pair.dialer.engine.publish(now, "t.one", b"x", &options).expect("room");
    pair.run();
    assert!(pair.acceptor.take().is_empty());
    assert!(
        matches!(&pair.dialer.take()[..], [Event::Response { outcome: Err(status), .. }] if over(status))
    );
    reauthenticate(&mut pair, Ok(Identity::new("ada", Rights::all())));
    pair.acceptor.take();
    pair.dialer.engine.call(now, &request("a.b", b"")).expect("room");
    pair.run();
    assert!(matches!(pair.acceptor.take()[..], [Event::Call { .. }]));
    pair.pass(Duration::from_secs(3600));
    assert_eq!(pair.acceptor.engine.identity().rights, Rights::all(), "the old end counts no more");
}

/// `[L4.auth.3]`: refreshed in time, nothing is dropped.
#[test]
fn a_credential_that_is_refreshed_in_time_drops_nothing() {
    let hour = || Identity::new("ada", Rights::all()).valid_for(Duration::from_secs(60));
    let mut pair = working(hour());
    for _ in 0..10 {
        pair.pass(Duration::from_secs(50));
        reauthenticate(&mut pair, Ok(hour()));
        let told = pair.acceptor.take();
        assert!(matches!(&told[..], [Event::Identified { .. }]), "{told:?}");
        assert_eq!(pair.acceptor.engine.open_items(), 3);
    }
}

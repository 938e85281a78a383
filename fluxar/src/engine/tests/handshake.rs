//! Three HELLOs, and what may go wrong with them.

use super::pair::{Pair, config, request};
use super::raw::{CALL, HELLO, Raw, call, frames, last_words, map, text, uint};
use crate::config::Limits;
use crate::engine::event::{Event, Refusal};
use crate::engine::message::envelope::Envelope;
use crate::engine::message::kind::Kind;
use crate::engine::session::auth::{Credential, Identity, Rights};
use crate::engine::session::handshake::HelloBody;
use crate::engine::session::phase::Phase;
use crate::engine::time::Time;
use crate::engine::{Engine, EngineConfig, Role};
use crate::error::{Code, Status};
use std::time::Duration;

fn connecting() -> Pair {
    Pair::connecting(Limits::default(), Limits::default())
}

/// `[L4.hello.1]`: the offer first, then the answer, then the confirmation, with anything behind it.
#[test]
fn one_round_trip() {
    let mut pair = connecting();
    assert!(pair.acceptor.transmit().is_empty(), "the acceptor does not speak first");
    let offer = pair.dialer.transmit();
    pair.reach_acceptor(&offer);
    assert!(pair.acceptor.transmit().is_empty(), "nothing before the decision");
    pair.acceptor.engine.accept(pair.now, Identity::anonymous());
    let answer = pair.acceptor.transmit();
    assert_eq!(pair.acceptor.engine.phase(), Phase::Handshaking);
    pair.reach_dialer(&answer);
    assert_eq!(pair.dialer.engine.phase(), Phase::Ready);
    pair.dialer.engine.call(pair.now, &request("a.b", b"x")).expect("at once");
    let confirm = pair.dialer.transmit();
    assert_eq!(frames(&confirm).len(), 2);
    pair.reach_acceptor(&confirm);
    let events = pair.acceptor.take();
    assert!(
        matches!(events[..], [Event::Authenticate { .. }, Event::Ready { .. }, Event::Call { .. }]),
        "{events:?}"
    );
    assert_eq!(pair.dialer.engine.session(), [9; 16]);
    assert_eq!(pair.dialer.engine.identity().name, "test");
}

/// `[L4.limits.1]`: each side knows what the other takes.
#[test]
fn limits_are_declared() {
    let dialer = Limits { calls_max: 3, initial_credit: 77, ..Limits::default() };
    let acceptor = Limits { streams_max: 5, groups_max: 9, ..Limits::default() };
    let pair = Pair::with(dialer, acceptor, Identity::anonymous());
    let there = pair.acceptor.engine.peer_limits();
    assert_eq!((there.calls_max, there.initial_credit), (3, 77));
    let there = pair.dialer.engine.peer_limits();
    assert_eq!((there.streams_max, there.groups_max), (5, 9));
}

/// `[L4.phase.1]`: nothing is opened before the session is ready, on either side.
#[test]
fn commands_before_ready() {
    let mut pair = connecting();
    for end in [&mut pair.dialer, &mut pair.acceptor] {
        let engine = &mut end.engine;
        let refused = engine.call(pair.now, &request("a.b", b""));
        assert!(
            matches!(&refused, Err(Refusal::Status(status)) if status.code() == Code::Unavailable),
            "{refused:?}"
        );
        assert!(engine.open_stream(pair.now, &request("a.b", b""), true, None).is_err());
        assert!(engine.notify(pair.now, &request("a.b", b"")).is_err());
    }
}

/// `[L4.auth.1]`: a refused credential ends both, and says why.
#[test]
fn refused() {
    let mut pair = connecting();
    let offer = pair.dialer.transmit();
    pair.reach_acceptor(&offer);
    let status = Status::new(Code::Unauthenticated, "[L4.auth.1] the credential is not valid");
    pair.acceptor.engine.refuse(pair.now, &status);
    let answer = pair.acceptor.transmit();
    assert_eq!(pair.acceptor.engine.phase(), Phase::Closed);
    pair.reach_dialer(&answer);
    let events = pair.dialer.take();
    assert!(
        matches!(&events[..], [Event::Closed { reason: Some(status) }]
            if status.code() == Code::Unauthenticated),
        "{events:?}"
    );
    assert!(pair.dialer.transmit().is_empty(), "there is nothing to confirm");
    // A decision that comes late changes nothing.
    pair.acceptor.engine.accept(pair.now, Identity::anonymous());
    assert!(pair.acceptor.transmit().is_empty());
}

/// `[L4.auth.1]`, `[L4.auth.2]`: each credential arrives as it was presented, and is not shown.
#[test]
fn credentials() {
    let basic = Credential::Basic { user: "u".into(), password: "p:w".into() };
    let other = Credential::Other { scheme: "x".into(), data: vec![1, 255].into() };
    let token = || Credential::Bearer("secret".into());
    for presented in [Credential::None, token(), Credential::ApiKey("k".into()), basic, other] {
        let now = Time::ZERO;
        let with = EngineConfig { credential: presented.clone(), ..config(Limits::default()) };
        let mut dialer = Engine::new(with, Role::Dialer, now);
        dialer.handle_link_up(now);
        let mut batch = Vec::new();
        dialer.poll_transmit(&mut batch);
        let mut pair = connecting();
        pair.reach_acceptor(&batch);
        let events = pair.acceptor.take();
        let [Event::Authenticate { credential, .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!(credential, &presented);
        assert!(!format!("{events:?}").contains("secret"));
    }
}

/// `[L4.phase.3]`: a handshake that takes too long ends, whoever is late; the clock stops when the
/// session is ready.
#[test]
fn the_deadline_of_the_handshake() {
    let mut pair = connecting();
    assert_eq!(pair.acceptor.engine.poll_timeout(), Some(pair.now + Duration::from_secs(5)));
    let almost = Duration::from_millis(4_999);
    pair.now = pair.now + almost;
    pair.dialer.engine.handle_timeout(pair.now);
    assert_eq!(pair.dialer.engine.phase(), Phase::Handshaking);
    pair.now = pair.now + Duration::from_millis(1);
    pair.dialer.engine.handle_timeout(pair.now);
    let events = pair.dialer.take();
    assert!(
        matches!(&events[..], [Event::Closed { reason: Some(status) }]
            if status.code() == Code::DeadlineExceeded),
        "{events:?}"
    );
    let mut pair = Pair::ready();
    pair.pass(Duration::from_secs(6));
    assert_eq!(pair.acceptor.engine.phase(), Phase::Ready);
}

/// `[L4.version.1]`: an offer without a common version is refused in the answer.
#[test]
fn no_common_version() {
    let config = config(Limits::default());
    let mut body = HelloBody::of(&config.limits, config.peer);
    body.versions = vec![2, 3];
    let mut pair = connecting();
    pair.reach_acceptor(&Raw::of(HELLO).id(1).payload(&body.encode()).frame());
    let answer = frames(&pair.acceptor.transmit());
    let envelope = Envelope::decode(&answer[0].2).expect("well-formed");
    assert_eq!(envelope.kind, Kind::Hello);
    let error = envelope.error.expect("a refusal");
    assert!(error.code == Code::Unimplemented && error.message.starts_with("[L4.version.1]"));
    assert!(matches!(pair.acceptor.take()[..], [Event::Closed { .. }]), "nobody is asked");
    body.versions = vec![1, 2];
    let mut pair = connecting();
    pair.reach_acceptor(&Raw::of(HELLO).id(1).payload(&body.encode()).frame());
    assert!(matches!(pair.acceptor.take()[..], [Event::Authenticate { .. }]));
}

/// `[L4.phase.2]`: an offer of the acceptor's is refused, and harms nothing.
#[test]
fn an_offer_of_the_acceptor() {
    let mut pair = Pair::ready();
    pair.reach_dialer(&Raw::of(HELLO).id(4).payload(b"").frame());
    let answer = frames(&pair.dialer.transmit());
    let envelope = Envelope::decode(&answer[0].2).expect("well-formed");
    assert!(envelope.error.is_some_and(|error| error.message.starts_with("[L4.phase.2]")));
    assert_eq!(pair.dialer.engine.phase(), Phase::Ready);
    pair.reach_dialer(&call(6).frame());
    assert!(matches!(pair.dialer.take()[..], [Event::Call { .. }]));
}

/// `[L4.body.3]`: keys 32 to 63 of the body are ignored, whatever they hold.
#[test]
fn keys_of_the_future() {
    let config = config(Limits::default());
    let mut body = HelloBody::of(&config.limits, config.peer).encode();
    body[0] += 1;
    body.extend([uint(40), map(&[(uint(1), text("x"))])].concat());
    let mut pair = connecting();
    pair.reach_acceptor(&Raw::of(HELLO).id(1).payload(&body).frame());
    assert!(matches!(pair.acceptor.take()[..], [Event::Authenticate { .. }]));
}

/// `[L4.bye.6]`: a goodbye during the handshake ends it.
#[test]
fn goodbye_before_ready() {
    let mut pair = connecting();
    pair.reach_acceptor(&Raw::of(super::raw::CANCEL).frame());
    assert!(matches!(pair.acceptor.take()[..], [Event::Closed { reason: None }]));
    assert!(pair.acceptor.transmit().is_empty());
    let mut pair = connecting();
    pair.dialer.engine.close(pair.now, Some(&Status::new(Code::Cancelled, "enough")));
    assert_eq!(last_words(&pair.dialer.transmit()).0, Code::Cancelled);
}

/// `[L4.rights.1]`, `[L4.rights.4]`: what an identity may call, and what it may be called for.
#[test]
fn rights_of_calls() {
    let identity = Identity::new("caller", Rights::none().call("a.*").serve("s.*"));
    let mut pair = Pair::with(Limits::default(), Limits::default(), identity);
    pair.dialer.engine.call(pair.now, &request("a.b", b"")).expect("room");
    pair.dialer.engine.call(pair.now, &request("x.y", b"")).expect("the callee decides");
    pair.dialer.engine.open_stream(pair.now, &request("x.y", b""), true, None).expect("as well");
    pair.dialer.engine.notify(pair.now, &request("x.y", b"")).expect("as well");
    pair.run();
    let events = pair.acceptor.take();
    assert!(
        matches!(&events[..], [Event::Call { target, .. }] if target.as_str() == "a.b"),
        "{events:?}"
    );
    let denied = |status: &Status| status.code() == Code::PermissionDenied;
    let events = pair.dialer.take();
    assert!(
        matches!(&events[..], [
            Event::Response { outcome: Err(call), .. },
            Event::StreamEnd { outcome: Err(stream), .. },
        ] if denied(call) && denied(stream)),
        "{events:?}"
    );
    assert_eq!(pair.acceptor.engine.notifications_dropped(), 1);
    let refused = pair.acceptor.engine.call(pair.now, &request("a.b", b""));
    assert!(matches!(&refused, Err(Refusal::Status(status)) if denied(status)), "{refused:?}");
    pair.acceptor.engine.call(pair.now, &request("s.t", b"")).expect("it serves this");
    let raw = Raw::of(CALL).id(101).target("x.y").frame();
    pair.reach_acceptor(&raw);
    assert!(pair.acceptor.take().is_empty());
}

/// `[L4.caps.1]`, `[L4.caps.2]`: numbers as keys need both sides.
#[test]
fn numbers_as_keys_need_both_sides() {
    let limits = |numbered_keys| Limits { numbered_keys, ..Limits::default() };
    for (dialer, acceptor) in [(true, true), (true, false), (false, true), (false, false)] {
        let pair = Pair::with(limits(dialer), limits(acceptor), Identity::anonymous());
        let both = dialer && acceptor;
        assert_eq!(pair.dialer.engine.numbered_keys(), both);
        assert_eq!(pair.acceptor.engine.numbered_keys(), both);
    }
    let config = config(limits(false));
    let mut body = HelloBody::of(&config.limits, config.peer);
    body.credential = Some(Credential::None);
    let mut pair = connecting();
    pair.reach_acceptor(&Raw::of(HELLO).id(1).payload(&body.encode()).frame());
    pair.acceptor.engine.accept(pair.now, Identity::anonymous());
    let answer = frames(&pair.acceptor.transmit());
    let envelope = Envelope::decode(&answer[0].2).expect("well-formed");
    let answer = HelloBody::decode(envelope.payload.expect("a body")).expect("well-formed");
    assert!(!answer.numbered_keys, "only what was offered is answered");
}

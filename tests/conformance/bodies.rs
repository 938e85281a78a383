//! L4: HELLO bodies.

use crate::receiver::{NOW, Side};
use crate::vectors::{Case, cases, check_all, hex};
use fluxar::Limits;
use fluxar::engine::Role;
use fluxar::engine::event::Event;
use fluxar::engine::session::auth::{Credential, Identity};
use fluxar::engine::session::handshake::HelloBody;
use fluxar::engine::session::phase::Phase;
use serde_json::{Value, json};

/// A frame with a HELLO around `body`: ids below 24, as in every handshake.
fn hello(id: u8, reference: Option<u8>, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 0, 0x40, 0x87, 1, id, reference.unwrap_or(0xf6), 0xf6, 0xf6];
    match u16::try_from(body.len()).unwrap() {
        short @ 0..24 => frame.push(0x40 | short as u8),
        byte @ 24..256 => frame.extend([0x58, byte as u8]),
        long => frame.extend([&[0x59][..], &long.to_be_bytes()[..]].concat()),
    }
    frame.extend_from_slice(body);
    frame.push(0xf6);
    let len = u32::try_from(frame.len() - 4).unwrap();
    frame[..4].copy_from_slice(&len.to_be_bytes());
    frame
}

/// A side that has taken the body in the message of its form.
fn taken(case: &Case) -> Side {
    let body = case.bytes();
    if case.json["form"] == "offer" {
        let mut acceptor = Side::new(Role::Acceptor, Limits::default());
        acceptor.take(&hello(1, None, &body));
        acceptor
    } else {
        let mut dialer = Side::new(Role::Dialer, Limits::default());
        dialer.sends();
        dialer.take(&hello(2, Some(1), &body));
        dialer
    }
}

#[test]
fn valid_bodies_are_taken_for_what_they_say() {
    check_all(&cases("hello", |file| file == "valid"), |case| {
        let want = &case.json["decoded"];
        let mut side = taken(case);
        let credential = match side.events.first() {
            Some(Event::Authenticate { credential, .. }) => credential.clone(),
            Some(Event::Ready { .. }) => Credential::None,
            other => return Err(format!("{other:?}")),
        };
        if shown(&credential) != want["auth"] {
            return Err(format!("{credential:?}"));
        }
        let body = HelloBody::decode(&case.bytes()).map_err(|violation| violation.to_string())?;
        let peer = json!({
            "instance": hex(&body.peer.instance), "name": body.peer.name, "roles": body.peer.roles,
        });
        let session = body.session.map(|session| hex(&session));
        let same = peer == want["peer"]
            && limits(&body) == want["limits"]
            && json!(body.versions) == want["versions"]
            && json!(body.heartbeat.as_millis() as u64) == want["heartbeat_ms"]
            && json!(session) == want["session"];
        if !same {
            return Err(format!("{body:?}"));
        }
        side.engine.accept(NOW, Identity::anonymous());
        let closed = side.engine.phase() == Phase::Closed;
        if closed { Err("the session is closed".into()) } else { Ok(()) }
    });
}

fn limits(body: &HelloBody) -> Value {
    let limits = body.limits;
    json!({
        "frame_bytes_max": limits.frame_bytes_max,
        "message_bytes_max": limits.message_bytes_max,
        "calls_max": limits.calls_max,
        "streams_max": limits.streams_max,
        "subscriptions_max": limits.subscriptions_max,
        "initial_credit": limits.initial_credit,
        "groups_max": limits.groups_max,
        "reassembly_bytes_max": limits.reassembly_bytes_max,
    })
}

fn shown(credential: &Credential) -> Value {
    let data = match credential {
        Credential::Bearer(secret) | Credential::ApiKey(secret) => {
            Some(secret.clone().into_bytes())
        }
        Credential::Basic { user, password } => Some(format!("{user}:{password}").into_bytes()),
        Credential::Other { data, .. } => Some(data.to_vec()),
        _ => None,
    };
    json!({ "scheme": credential.scheme(), "data": data.map(|data| hex(&data)) })
}

#[test]
fn invalid_bodies_end_the_session_by_their_rule() {
    check_all(&cases("hello", |file| file == "invalid"), |case| {
        let side = taken(case);
        let Some(Event::Closed { reason: Some(status) }) = side.events.last() else {
            return Err(format!("was taken: {:?}", side.events));
        };
        let (rule, code) = case.error();
        let fits = status.message().starts_with(&format!("[{rule}] "));
        let seen = status.code().name();
        if fits && seen == code { Ok(()) } else { Err(format!("{status}, not {code} {rule}")) }
    });
}

#[test]
fn no_common_version_is_refused_in_the_answer() {
    // [L4.version.1], [L4.hello.3]
    let mut body = HelloBody::decode(&offer()).unwrap();
    body.versions = vec![7, 9];
    let mut acceptor = Side::new(Role::Acceptor, Limits::default());
    acceptor.take(&hello(1, None, &body.encode()));
    assert!(matches!(&acceptor.events[..], [Event::Closed { reason: Some(_) }]));
    let sent = crate::receiver::envelopes(&acceptor.sends());
    let answer = fluxar::engine::message::envelope::Envelope::decode(&sent[0]).unwrap();
    assert_eq!(answer.error.unwrap().code, fluxar::Code::Unimplemented);
    assert_eq!((sent.len(), answer.payload), (1, None));
}

#[test]
fn a_peer_encodes_what_the_vectors_say() {
    // [L4.body.1]
    let body = HelloBody::decode(&offer()).unwrap();
    assert_eq!(body.encode(), offer());
}

#[test]
fn hellos_must_answer_the_last_one() {
    // [L4.hello.2]
    let all = cases("hello", |file| file == "valid");
    let answer = all.iter().find(|case| case.json["name"] == "answer_plain").unwrap();
    let mut dialer = Side::new(Role::Dialer, Limits::default());
    dialer.sends();
    dialer.take(&hello(2, Some(3), &answer.bytes()));
    let Some(Event::Closed { reason: Some(status) }) = dialer.events.last() else {
        panic!("{:?}", dialer.events);
    };
    assert!(status.message().starts_with("[L4.hello.2] "), "{status}");
}

fn offer() -> Vec<u8> {
    let all = cases("hello", |file| file == "valid");
    all.iter().find(|case| case.json["name"] == "offer_plain").unwrap().bytes()
}

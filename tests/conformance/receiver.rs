//! L1, L4 and L5: bytes that arrive at an acceptor, and what it makes of them.

use crate::vectors::{Case, cases, check_all, hex, unhex};
use bytes::BytesMut;
use fluxar::engine::event::Event;
use fluxar::engine::message::Form;
use fluxar::engine::message::envelope::Envelope;
use fluxar::engine::session::auth::{Credential, Identity, Rights};
use fluxar::engine::session::handshake::PeerInfo;
use fluxar::engine::session::phase::Phase;
use fluxar::engine::time::Time;
use fluxar::engine::{Engine, EngineConfig, Role, frame};
use fluxar::{Code, Limits};
use serde_json::Value;

pub(crate) const NOW: Time = Time::from_micros(1_000_000);

/// The two sides of `tests/vectors/gen/hellos.py`.
pub(crate) fn config(role: Role, limits: Limits) -> EngineConfig {
    let (instance, name) = match role {
        Role::Dialer => ("d1a1e4000000000000000000000000d1", "dialer"),
        Role::Acceptor => ("acce97000000000000000000000000ac", "acceptor"),
    };
    let instance = unhex(instance).try_into().unwrap();
    EngineConfig {
        limits,
        peer: PeerInfo { instance, name: name.into(), roles: vec![] },
        credential: Credential::None,
        peer_rights: Rights::all(),
        session: unhex("5e5510000000000000000000000000ff").try_into().unwrap(),
        wire: fluxar::engine::WireConfig::default(),
    }
}

/// One engine and what it has said and learned so far.
pub(crate) struct Side {
    pub(crate) engine: Engine,
    pub(crate) events: Vec<Event>,
    inbox: BytesMut,
}

impl Side {
    pub(crate) fn new(role: Role, limits: Limits) -> Self {
        let mut engine = Engine::new(config(role, limits), role, NOW);
        engine.handle_link_up(NOW);
        Self::of(engine)
    }

    pub(crate) fn of(engine: Engine) -> Self {
        Self { engine, events: Vec::new(), inbox: BytesMut::new() }
    }

    /// Bytes arrive; who asks for credentials is welcome.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        self.engine.handle_bytes(NOW, &mut self.inbox);
        self.drain();
    }

    pub(crate) fn drain(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            self.events.push(event);
        }
    }

    /// What it has to send.
    pub(crate) fn sends(&mut self) -> Vec<u8> {
        let (mut all, mut batch) = (Vec::new(), Vec::new());
        while self.engine.poll_transmit(&mut batch) {
            all.append(&mut batch);
        }
        self.drain();
        all
    }

    /// A Ready acceptor whose dialer was an engine, and has used id 1.
    pub(crate) fn ready_acceptor(limits: Limits) -> Self {
        let mut dialer = Self::new(Role::Dialer, Limits::default());
        let mut acceptor = Self::new(Role::Acceptor, limits);
        acceptor.take(&dialer.sends());
        acceptor.engine.accept(NOW, Identity::anonymous());
        dialer.take(&acceptor.sends());
        acceptor.take(&dialer.sends());
        assert_eq!(acceptor.engine.phase(), Phase::Ready);
        acceptor.events.clear();
        acceptor
    }
}

/// The messages in whole frames, each as an envelope's bytes.
pub(crate) fn envelopes(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut list = Vec::new();
    while let Some(whole) = frame::whole_len(bytes, u32::MAX).unwrap() {
        let frame = frame::decode(&bytes[frame::LEN_BYTES..whole]).unwrap();
        assert_eq!(frame.group, None, "an answer in fragments");
        list.push(frame.body.to_vec());
        bytes = &bytes[whole..];
    }
    assert!(bytes.is_empty(), "a frame is cut off");
    list
}

fn acceptor(case: &Case) -> Side {
    let mut limits = Limits::default();
    if let Some(given) = case.json["limits"].as_object() {
        for (name, value) in given {
            set(&mut limits, name, u32::try_from(value.as_u64().unwrap()).unwrap());
        }
    }
    match case.json["phase"].as_str() {
        Some("handshake") => Side::new(Role::Acceptor, limits),
        None => Side::ready_acceptor(limits),
        Some(other) => panic!("no phase {other}"),
    }
}

fn set(limits: &mut Limits, name: &str, value: u32) {
    *match name {
        "frame_bytes_max" => &mut limits.frame_bytes_max,
        "message_bytes_max" => &mut limits.message_bytes_max,
        "groups_max" => &mut limits.groups_max,
        "reassembly_bytes_max" => &mut limits.reassembly_bytes_max,
        "initial_credit" => &mut limits.initial_credit,
        "budget_burst" => &mut limits.budget_burst,
        "calls_max" => &mut limits.calls_max,
        "streams_max" => &mut limits.streams_max,
        "subscriptions_max" => &mut limits.subscriptions_max,
        other => panic!("no limit {other}"),
    } = value;
}

/// [L4.violation.1]: a goodbye with the rule and its code, and nothing after it.
fn refused(case: &Case) -> Result<(), String> {
    let mut side = acceptor(case);
    side.take(&case.bytes());
    let (rule, code) = case.error();
    let sent = envelopes(&side.sends());
    let Some(last) = sent.last() else { return Err(format!("was taken: {:?}", side.events)) };
    let goodbye = Envelope::decode(last).map_err(|violation| violation.to_string())?;
    let said = goodbye.error.filter(|_| Form::of(&goodbye) == Ok(Form::Goodbye));
    let Some(said) = said else { return Err("the last message is no abort".into()) };
    if !said.message.starts_with(&format!("[{rule}] ")) || said.code.name() != code {
        return Err(format!("says {} {:?}, not {code} {rule}", said.code.name(), said.message));
    }
    let closed = matches!(side.events.last(), Some(Event::Closed { reason: Some(_) }));
    if closed { Ok(()) } else { Err("the session goes on".into()) }
}

#[test]
fn frames_that_break_a_rule_end_the_session() {
    check_all(&cases("frame", |file| file == "invalid"), refused);
}

#[test]
fn messages_that_break_a_rule_end_the_session() {
    check_all(&cases("session", |file| file == "violations"), refused);
}

#[test]
fn frames_that_keep_the_rules_are_taken() {
    check_all(&cases("frame", |file| file == "valid"), |case| {
        let mut side = acceptor(case);
        let bytes = case.bytes();
        side.take(&bytes);
        let (want, goodbye) = messages(case);
        let seen: Vec<String> = side.events.iter().filter_map(taken).collect();
        let closed = side.engine.phase() == Phase::Closed;
        if seen != want || closed != goodbye {
            return Err(format!("{:?}, not {want:?}", side.events));
        }
        // The same bytes one by one: [L0.link.3].
        let mut slow = acceptor(case);
        bytes.chunks(1).for_each(|byte| slow.take(byte));
        let seen: Vec<String> = slow.events.iter().filter_map(taken).collect();
        if seen == want { Ok(()) } else { Err(format!("byte by byte: {:?}", slow.events)) }
    });
}

/// The requests and events among the messages that must come out, and whether a goodbye is.
fn messages(case: &Case) -> (Vec<String>, bool) {
    let (mut list, mut goodbye) = (Vec::new(), false);
    for text in case.json["decoded"]["messages"].as_array().unwrap() {
        let bytes = unhex(text.as_str().unwrap());
        let envelope = Envelope::decode(&bytes).unwrap();
        let payload = envelope.payload.unwrap_or_default();
        match Form::of(&envelope).unwrap() {
            Form::Goodbye => goodbye = true,
            Form::Heartbeat => {}
            _ => list.push(format!("{} {}", envelope.target.unwrap(), hex(payload))),
        }
    }
    (list, goodbye)
}

fn taken(event: &Event) -> Option<String> {
    match event {
        Event::Call { target, payload, .. } => {
            Some(format!("{target} {}", hex(payload.as_deref().unwrap_or_default())))
        }
        Event::Publish { topic, payload, .. } => Some(format!("{topic} {}", hex(payload))),
        _ => None,
    }
}

#[test]
fn what_is_not_a_violation_harms_nothing() {
    check_all(&cases("session", |file| file == "tolerated"), |case| {
        let mut side = acceptor(case);
        side.take(&case.bytes());
        let sent = side.sends();
        let decoded = &case.json["decoded"];
        if let Some(answers) = decoded["answers"].as_array() {
            let want: String = answers.iter().map(|answer| answer.as_str().unwrap()).collect();
            if hex(&sent) != want {
                return Err(format!("sent {}, not {want}", hex(&sent)));
            }
        } else {
            answered(&envelopes(&sent), &decoded["answered"])?;
        }
        let goodbye = side.events.iter().any(|event| matches!(event, Event::Draining));
        match side.engine.phase() {
            Phase::Ready => Ok(()),
            Phase::Draining | Phase::Closed if goodbye => Ok(()),
            other => Err(format!("{other:?}: {:?}", side.events)),
        }
    });
}

/// One message, of the kind and with the ref and code given.
fn answered(sent: &[Vec<u8>], want: &Value) -> Result<(), String> {
    let [bytes] = sent else { return Err(format!("{} messages", sent.len())) };
    let envelope = Envelope::decode(bytes).map_err(|violation| violation.to_string())?;
    let code = envelope.error.map_or(0, |error| error.code.number());
    let reference = envelope.reference.map(|id| id.number().to_string());
    let fits = want["type"] == envelope.kind.number()
        && want["code"] == code
        && want["ref"].as_str() == reference.as_deref();
    if fits { Ok(()) } else { Err(format!("{envelope:?}, not {want}")) }
}

#[test]
fn every_code_of_the_table_has_its_number() {
    let text = include_str!("../../fluxar/docs/spec/codes.md");
    for code in Code::ALL {
        let row = format!("| {} | {} |", code.number(), code.name());
        assert!(text.contains(&row), "codes.md has no row {row}");
    }
}

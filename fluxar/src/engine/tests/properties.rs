//! What holds for all bytes: encoding and decoding are each other's inverse, nothing panics, a
//! second decoder reads the same, and fragments make the message that was cut.

use super::pair::Pair;
use super::raw::{self, Raw, frame};
use crate::config::Limits;
use crate::engine::event::Event;
use crate::engine::frame::{Assembler, Frame, GROUP, MORE, VOLATILE};
use crate::engine::message::Form;
use crate::engine::message::envelope::{Envelope, ErrorView, Outgoing};
use crate::engine::message::kind::Kind;
use crate::engine::message::meta::MetaOut;
use crate::engine::session::auth::Identity;
use crate::engine::session::handshake::HelloBody;
use crate::engine::session::phase::Phase;
use crate::error::{Code, Status};
use ciborium::Value;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything that a message may carry; a form takes what it needs.
#[derive(Clone, Debug)]
struct Parts {
    id: u64,
    reference: u64,
    target: String,
    payload: Vec<u8>,
    has_payload: bool,
    status: Option<Status>,
    numbers: [u64; 3],
    hops: u32,
    overflow: u8,
    flag: bool,
    group: Option<String>,
    user: BTreeMap<String, String>,
}

fn statuses() -> impl Strategy<Value = Status> {
    let typed = prop::option::of(("[a-zA-Z.]{1,40}", prop::collection::vec(any::<u8>(), 0..50)));
    (1..=17_u8, ".{0,60}", typed, prop::option::of(any::<u32>())).prop_map(
        |(code, message, typed, retry)| {
            let mut status = Status::new(Code::from_number(code), message);
            if let Some((name, details)) = typed {
                status = status.with_details(name, details.into());
            }
            match retry {
                Some(millis) => status.with_retry_after(Duration::from_millis(millis.into())),
                None => status,
            }
        },
    )
}

fn ids() -> impl Strategy<Value = u64> {
    prop_oneof![1..30_u64, 1..70_000_u64, 1..=u64::MAX]
}

fn parts(entries: usize) -> impl Strategy<Value = Parts> {
    let names = (
        "[a-z]{1,8}(\\.[a-z]{1,8}){0,3}",
        prop::option::of("[a-z]{1,30}"),
        prop::collection::btree_map("[^\\x00]{0,12}", ".{0,12}", 0..entries),
    );
    let numbers = (ids(), ids(), [0..=u64::MAX, 1..=u64::MAX, 0..=u64::MAX], any::<u32>(), 0..4_u8);
    let payload = prop::collection::vec(any::<u8>(), 0..300);
    (names, numbers, payload, any::<(bool, bool)>(), prop::option::of(statuses())).prop_map(
        |(
            (target, group, user),
            (id, reference, numbers, hops, overflow),
            payload,
            flags,
            status,
        )| {
            Parts {
                id,
                reference,
                target,
                payload,
                has_payload: flags.0,
                status,
                numbers,
                hops,
                overflow,
                flag: flags.1,
                group,
                user,
            }
        },
    )
}

const FORMS: [(Form, Kind); 20] = [
    (Form::Offer, Kind::Hello),
    (Form::Answer, Kind::Hello),
    (Form::Confirm, Kind::Hello),
    (Form::Request, Kind::Call),
    (Form::Notification, Kind::Call),
    (Form::Response, Kind::Call),
    (Form::Open, Kind::Stream),
    (Form::Item, Kind::Stream),
    (Form::End, Kind::Stream),
    (Form::Ask, Kind::Subscribe),
    (Form::Granted, Kind::Subscribe),
    (Form::Over, Kind::Subscribe),
    (Form::Publish, Kind::Event),
    (Form::Deliver, Kind::Event),
    (Form::Heartbeat, Kind::Ack),
    (Form::Ping, Kind::Ack),
    (Form::Pong, Kind::Ack),
    (Form::Credit, Kind::Ack),
    (Form::Goodbye, Kind::Cancel),
    (Form::Cancel, Kind::Cancel),
];

/// The message of a form, with what `parts` have for it.
fn message<'a>(
    form: Form,
    kind: Kind,
    parts: &'a Parts,
    user: &'a [(String, String)],
) -> Outgoing<'a> {
    let mut message = Outgoing::new(kind);
    let failed = parts.status.as_ref();
    let payload = Some(&parts.payload[..]);
    let optional = payload.filter(|_| parts.has_payload);
    let opens = matches!(form, Form::Offer | Form::Request | Form::Open | Form::Ask | Form::Ping);
    if opens || form == Form::Answer {
        message.id = parts.id;
    }
    let alone =
        matches!(form, Form::Notification | Form::Publish | Form::Heartbeat | Form::Goodbye);
    if !opens && !alone {
        message.reference = parts.reference;
    }
    match form {
        Form::Request | Form::Notification | Form::Open | Form::Ask | Form::Publish => {
            message.target = &parts.target;
        }
        Form::Deliver if parts.flag => message.target = &parts.target,
        _ => {}
    }
    match form {
        Form::Offer | Form::Item | Form::Publish | Form::Deliver => message.payload = payload,
        Form::Request | Form::Notification | Form::Open => message.payload = optional,
        Form::Answer | Form::Response => {
            message.error = failed;
            message.payload = payload.filter(|_| failed.is_none());
        }
        Form::End => {
            message.error = failed;
            message.payload = optional.filter(|_| failed.is_none());
        }
        Form::Confirm | Form::Over | Form::Goodbye => message.error = failed,
        _ => {}
    }
    message.meta = meta(form, parts, user);
    message
}

fn meta<'a>(form: Form, parts: &'a Parts, user: &'a [(String, String)]) -> MetaOut<'a> {
    let mut meta = MetaOut::default();
    match form {
        Form::Request | Form::Notification | Form::Open => {
            meta.deadline_ms = parts.has_payload.then_some(parts.numbers[0]);
            meta.hops = parts.hops;
            meta.user = user;
            if form == Form::Open {
                meta.end = parts.flag;
                meta.credit = Some(parts.numbers[1]);
            }
        }
        Form::End | Form::Over => meta.end = true,
        Form::Ask => {
            meta.credit = Some(parts.numbers[1]);
            meta.group = parts.group.as_deref();
            meta.overflow = parts.overflow;
        }
        Form::Publish => meta.retain = parts.flag,
        Form::Deliver => {
            meta.retain = parts.flag;
            meta.dropped = parts.numbers[2];
        }
        Form::Credit => meta.credit = Some(parts.numbers[1]),
        _ => {}
    }
    meta
}

fn encoded(form: usize, parts: &Parts) -> Vec<u8> {
    let (form, kind) = FORMS[form];
    let user: Vec<_> = parts.user.clone().into_iter().collect();
    let mut bytes = Vec::new();
    message(form, kind, parts, &user).put(&mut bytes);
    bytes
}

fn error_is(error: Option<ErrorView<'_>>, status: Option<&Status>) -> bool {
    match (error, status) {
        (None, None) => true,
        (Some(error), Some(status)) => {
            error.code == status.code()
                && error.message == status.message()
                && error.type_name == status.type_name()
                && error.details == status.details().map(|details| &details[..])
                && error.retry_after_ms
                    == status.retry_after().map(|after| after.as_millis() as u64)
        }
        _ => false,
    }
}

/// What a decoder of another make says about the same bytes, and what it would write for them.
fn ciborium_agrees(bytes: &[u8], envelope: &Envelope<'_>) {
    let value: Value = ciborium::from_reader(bytes).expect("what we take is CBOR");
    let mut again = Vec::new();
    ciborium::into_writer(&value, &mut again).expect("it was read just now");
    assert_eq!(again, bytes, "there is one encoding");
    let fields = value.into_array().expect("an array");
    assert_eq!(fields.len(), 7);
    let number = |value: &Value| match value {
        Value::Integer(number) => u128::try_from(i128::from(*number)).ok(),
        Value::Bytes(bytes) => Some(u128::from_be_bytes(bytes[..].try_into().expect("16 bytes"))),
        _ => None,
    };
    assert_eq!(number(&fields[0]), Some(u128::from(envelope.kind.number())));
    assert_eq!(number(&fields[1]), envelope.id.map(|id| id.number()));
    assert_eq!(number(&fields[2]), envelope.reference.map(|id| id.number()));
    assert_eq!(fields[3].as_text(), envelope.target);
    assert_eq!(fields[5].as_bytes().map(|bytes| &bytes[..]), envelope.payload);
    assert_eq!(fields[6].is_null(), envelope.error.is_none());
    let empty = Vec::new();
    let meta = fields[4].as_map().unwrap_or(&empty);
    let entry = |key: u64| {
        let entry = meta.iter().find(|(k, _)| number(k) == Some(key.into()));
        entry.map(|(_, value)| value)
    };
    let uint = |key| entry(key).and_then(number).map(|value| value as u64);
    let view = &envelope.meta;
    assert_eq!(uint(1), view.deadline_ms);
    assert_eq!(uint(2), view.credit);
    assert_eq!(uint(11).unwrap_or(0), view.hops);
    assert_eq!(uint(22).unwrap_or(0), view.dropped);
    assert_eq!(uint(19).unwrap_or(0), u64::from(view.overflow));
    assert_eq!(uint(3).unwrap_or(0), u64::from(view.qos));
    assert_eq!(entry(0).is_some(), view.end);
    assert_eq!(entry(4).is_some(), view.retain);
    assert_eq!(entry(13).and_then(Value::as_text), view.group);
}

/// A few small changes: other bytes, some more, some less.
fn mutations() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0..5_u8, any::<u8>()), 1..5)
}

fn mutate(bytes: &mut Vec<u8>, mutations: &[(prop::sample::Index, u8, u8)]) {
    for (at, how, byte) in mutations {
        if bytes.is_empty() {
            return;
        }
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = *byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => bytes.insert(at, *byte),
            // What may be a head, in a longer form than it needs.
            3 if bytes[at] & 0x1f < 24 => {
                bytes.insert(at + 1, bytes[at] & 0x1f);
                bytes[at] = bytes[at] & 0xe0 | 24;
            }
            _ => drop(bytes.remove(at)),
        }
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(400))]

    /// `[L3.env.1]` and the rules of each form: what is put is what is read, in every form, and
    /// the bound of its length is one.
    #[test]
    fn every_form_comes_back(form in 0..FORMS.len(), parts in parts(49)) {
        let (form, kind) = FORMS[form];
        let user: Vec<_> = parts.user.clone().into_iter().collect();
        let sent = message(form, kind, &parts, &user);
        let mut bytes = Vec::new();
        sent.put(&mut bytes);
        prop_assert!(bytes.len() <= sent.size_hint(), "{} of {}", bytes.len(), sent.size_hint());
        let read = Envelope::decode(&bytes).expect("our own bytes");
        prop_assert_eq!(Form::of(&read), Ok(form));
        let session = |id: Option<crate::id::Id>| id.and_then(crate::id::Id::session).unwrap_or(0);
        prop_assert_eq!((session(read.id), session(read.reference)), (sent.id, sent.reference));
        prop_assert_eq!(read.target.unwrap_or_default(), sent.target);
        prop_assert_eq!(read.payload, sent.payload);
        prop_assert!(error_is(read.error, sent.error));
        prop_assert_eq!(read.meta.end, sent.meta.end);
        prop_assert_eq!(read.meta.retain, sent.meta.retain);
        prop_assert_eq!(read.meta.deadline_ms, sent.meta.deadline_ms);
        prop_assert_eq!(read.meta.credit, sent.meta.credit);
        prop_assert_eq!(read.meta.hops, u64::from(sent.meta.hops));
        prop_assert_eq!(read.meta.dropped, sent.meta.dropped);
        prop_assert_eq!(read.meta.overflow, sent.meta.overflow);
        prop_assert_eq!(read.meta.group, sent.meta.group);
        ciborium_agrees(&bytes, &read);
    }

    /// `[L3.cbor.2]` to `[L3.cbor.10]`: nothing panics, and whatever is taken has one encoding,
    /// which a decoder of another make reads in the same way.
    #[test]
    fn changed_bytes_are_refused_or_mean_one_thing(
        form in 0..FORMS.len(),
        parts in parts(49),
        changes in mutations(),
    ) {
        let mut bytes = encoded(form, &parts);
        mutate(&mut bytes, &changes);
        if let Ok(envelope) = Envelope::decode(&bytes) {
            ciborium_agrees(&bytes, &envelope);
            let _ = Form::of(&envelope);
        }
    }

    /// The same for bytes that never were a message.
    #[test]
    fn any_bytes(mut bytes in prop::collection::vec(any::<u8>(), 0..200), head in any::<bool>()) {
        if head {
            bytes.splice(0..0, [0x87, 2]);
        }
        if let Ok(envelope) = Envelope::decode(&bytes) {
            ciborium_agrees(&bytes, &envelope);
        }
        let _ = HelloBody::decode(&bytes);
    }

    /// `[L4.body.1]`: a HELLO body comes back, and one that was changed is refused or read; never
    /// a panic.
    #[test]
    fn hello_bodies(name in ".{0,60}", version in 1..5_u64, changes in mutations()) {
        let config = super::pair::config(Limits::default());
        let mut body = HelloBody::of(&config.limits, config.peer);
        body.peer.name = name;
        body.versions = vec![version];
        let mut bytes = body.encode();
        prop_assert_eq!(HelloBody::decode(&bytes), Ok(body));
        mutate(&mut bytes, &changes);
        if let Ok(read) = HelloBody::decode(&bytes) {
            prop_assert_eq!(HelloBody::decode(&read.encode()), Ok(read));
        }
    }

    /// `[L1.group.6]`: messages cut at any places and mixed in any order come back as they were.
    #[test]
    fn fragments_make_the_message(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..400), 1..6),
        cuts in prop::collection::vec(1..90_usize, 1..40),
        turns in prop::collection::vec(any::<prop::sample::Index>(), 1..60),
    ) {
        let mut assembler = Assembler::new(6, 10_000, 400);
        let mut rest: Vec<(u64, &[u8])> = (1..).zip(messages.iter().map(|m| &m[..])).collect();
        let mut done = BTreeMap::new();
        let mut opened = 0;
        for turn in 0.. {
            if rest.is_empty() {
                break;
            }
            // Groups open in the order of their numbers.
            let next = turns[turn % turns.len()].index(rest.len());
            let next = if rest[next].0 > opened + 1 {
                rest.iter().position(|(group, _)| *group <= opened + 1).unwrap_or(0)
            } else {
                next
            };
            let (group, bytes) = rest[next];
            opened = opened.max(group);
            let (body, left) = bytes.split_at(cuts[turn % cuts.len()].min(bytes.len()));
            let more = if left.is_empty() { 0 } else { MORE };
            let fragment = Frame { flags: GROUP | more, seq: None, group: Some(group), body };
            if let Some(message) = assembler.take(&fragment, group).expect("within the limits") {
                done.insert(group, message);
            }
            rest[next].1 = left;
            if left.is_empty() {
                rest.remove(next);
            }
        }
        prop_assert_eq!(assembler.held(), (0, 0));
        prop_assert!(done.into_values().eq(messages));
    }

    /// `[L1.order.2]`: whatever the sizes of fragments on either side, an item arrives as it was.
    #[test]
    fn items_arrive_whatever_the_fragments(
        fragment_bytes in 1..20_000_u32,
        frame_bytes_max in 1_024..5_000_u32,
        len in 0..60_000_usize,
        byte in any::<u8>(),
    ) {
        let there = Limits { frame_bytes_max, ..Limits::default() };
        let here = Limits { fragment_bytes, ..Limits::default() };
        let mut pair = Pair::with(here, there, Identity::anonymous());
        let payload = vec![byte; len];
        let asked = super::pair::request("a.b", &payload);
        pair.dialer.engine.call(pair.now, &asked).expect("room");
        pair.run();
        let events = pair.acceptor.take();
        let [Event::Call { payload: heard, .. }] = &events[..] else { panic!("{events:?}") };
        prop_assert_eq!(heard.as_deref(), Some(&payload[..]));
    }
}

/// One message for the next test: any form, refs that may name something, now and then broken.
#[derive(Clone, Debug)]
struct Saying {
    form: usize,
    parts: Parts,
    /// Of the ids so far, in thousandths; the odd and the even ones alike.
    reference: u64,
    wrong_id: bool,
    changes: Option<Vec<(prop::sample::Index, u8, u8)>>,
}

fn sayings() -> impl Strategy<Value = Saying> {
    // HELLOs, goodbyes and errors end a session soon: most are of the other forms.
    let form = prop_oneof![1 => 0..FORMS.len(), 12 => 3..18_usize];
    let changes = prop::option::weighted(0.03, mutations());
    (form, parts(2), 0..1_000_u64, prop::bool::weighted(0.02), changes).prop_map(
        |(form, mut parts, reference, wrong_id, changes)| {
            parts.numbers = parts.numbers.map(|number| number % 3_000 + 1);
            parts.hops %= 70;
            Saying { form, parts, reference, wrong_id, changes }
        },
    )
}

impl Saying {
    /// Its frame, as the one with this number of its sender.
    fn frame(&self, number: u64) -> Vec<u8> {
        let mut parts = self.parts.clone();
        parts.id = if self.wrong_id { self.reference + 1 } else { 3 + 2 * number };
        parts.reference = 2 + (2 * number + 4) * self.reference / 1_000;
        let mut body = encoded(self.form, &parts);
        if let Some(changes) = &self.changes {
            mutate(&mut body, changes);
        }
        let volatile = Envelope::decode(&body).is_ok_and(|envelope| {
            let with_ref = envelope.reference.is_some();
            crate::engine::message::envelope::is_volatile(envelope.kind, with_ref, 0)
        });
        frame(if volatile { VOLATILE } else { 0 }, &body)
    }
}

proptest! {
    #![proptest_config(cases(120))]

    /// `[L4.violation.1]`, `[L4.bound.1]`: a peer that says anything at any time makes nothing
    /// panic, holds nothing beyond the limits, and ends its session at worst.
    #[test]
    fn a_peer_that_says_anything(
        sayings in prop::collection::vec(sayings(), 1..60),
        acts in prop::collection::vec(0..8_u8, 60),
    ) {
        let limits = Limits { calls_max: 3, streams_max: 3, subscriptions_max: 3, ..Limits::default() };
        let mut pair = Pair::with(Limits::default(), limits, Identity::anonymous());
        for ((number, saying), act) in (0..).zip(&sayings).zip(acts) {
            pair.reach_acceptor(&saying.frame(number));
            act_on(&mut pair, act);
            let engine = &pair.acceptor.engine;
            prop_assert!(engine.calls.inbound_len() <= 3 && engine.streams.inbound_len() <= 6);
            prop_assert!(engine.subscriptions.inbound_len() <= 3);
        }
        let status = Status::new(Code::Unavailable, "cut");
        pair.acceptor.engine.handle_link_down(pair.now, &status);
        prop_assert_eq!(pair.acceptor.engine.phase(), Phase::Closed);
        let closed = pair.acceptor.take().into_iter();
        let ends = closed.filter(|event| matches!(event, Event::Closed { .. })).count();
        prop_assert!(ends <= 1);
    }

    /// The same for bytes of any kind, from the very first.
    #[test]
    fn any_bytes_to_a_fresh_acceptor(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut pair = Pair::connecting(Limits::default(), Limits::default());
        let offer = pair.dialer.transmit();
        pair.reach_acceptor(&bytes);
        pair.reach_dialer(&bytes);
        pair.reach_acceptor(&offer);
        pair.acceptor.take();
    }
}

/// The application does something with what it was told.
fn act_on(pair: &mut Pair, act: u8) {
    let (now, end) = (pair.now, &mut pair.acceptor);
    for event in end.take() {
        match (event, act) {
            (Event::Call { id: Some(id), .. }, 0) => end.engine.respond(now, id, Ok(b"ok")),
            (Event::Call { id: None, .. }, 0..4) => end.engine.notification_ended(now),
            (Event::Stream { id, .. }, 1) => end.engine.end_stream(now, id, Ok(None)),
            (Event::Stream { id, .. }, 2) => drop(end.engine.send_item(now, id, &[0; 500])),
            (Event::Subscribe { id, .. }, 0..4) => end.engine.grant(now, id),
            (Event::Items { id, items }, _) => end.engine.consumed_cost(now, id, items.cost()),
            _ => {}
        }
    }
    let asked = super::pair::request("a.b", b"");
    match act {
        3 => drop(end.engine.call(now, &asked)),
        4 => drop(end.engine.open_stream(now, &asked, false, Some(100))),
        5 => drop(end.engine.subscribe(now, "a.*", &Default::default())),
        6 => drop(end.transmit()),
        _ => pair.now = pair.now + Duration::from_millis(100),
    }
}

/// Deep nesting in a value that nobody reads costs no stack.
#[test]
fn deep_nesting() {
    for depth in [10, 17, 100_000] {
        let nested = [vec![0x81; depth], vec![0]].concat();
        let body = Raw::of(raw::CALL).id(3).target("a").meta(raw::map(&[(raw::uint(32), nested)]));
        let taken = Envelope::decode(&body.body()).is_ok();
        assert_eq!(taken, depth < 14, "{depth}");
    }
}

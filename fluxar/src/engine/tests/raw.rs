//! Bytes made by hand: what no engine would send.

use crate::engine::frame::{GROUP, LEN_BYTES, VOLATILE, decode};
use crate::engine::message::envelope::Envelope;
use crate::engine::message::kind::Kind;
use crate::engine::wire::cbor;
use crate::error::Code;

pub(crate) const HELLO: u64 = 1;
pub(crate) const CALL: u64 = 2;
pub(crate) const STREAM: u64 = 3;
pub(crate) const SUBSCRIBE: u64 = 4;
pub(crate) const EVENT: u64 = 5;
pub(crate) const ACK: u64 = 6;
pub(crate) const CANCEL: u64 = 7;

pub(crate) fn uint(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_uint(&mut out, value);
    out
}

pub(crate) fn text(value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_text(&mut out, value);
    out
}

pub(crate) fn bytes(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_bytes(&mut out, value);
    out
}

/// A map of raw keys and values, in the order given.
pub(crate) fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    cbor::put_head(&mut out, cbor::MAP, entries.len() as u64);
    for (key, value) in entries {
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    out
}

pub(crate) const TRUE: u8 = 0xf5;

/// `{end: true}`.
pub(crate) fn end() -> Vec<u8> {
    map(&[(uint(0), vec![TRUE])])
}

/// `{credit: ..}`.
pub(crate) fn credit(bytes: u64) -> Vec<u8> {
    map(&[(uint(2), uint(bytes))])
}

/// `{code: .., message: ".."}`.
pub(crate) fn error(code: u64) -> Vec<u8> {
    map(&[(uint(0), uint(code)), (uint(1), text("no"))])
}

/// An envelope, field by field, each of them raw.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    fields: [Vec<u8>; 7],
}

impl Raw {
    pub(crate) fn of(kind: u64) -> Self {
        let mut fields = [const { Vec::new() }; 7].map(|_: Vec<u8>| vec![0xf6]);
        fields[0] = uint(kind);
        Self { fields }
    }

    pub(crate) fn field(mut self, at: usize, raw: Vec<u8>) -> Self {
        self.fields[at] = raw;
        self
    }

    pub(crate) fn id(self, id: u64) -> Self {
        self.field(1, uint(id))
    }

    pub(crate) fn reference(self, id: u64) -> Self {
        self.field(2, uint(id))
    }

    pub(crate) fn target(self, target: &str) -> Self {
        self.field(3, text(target))
    }

    pub(crate) fn meta(self, raw: Vec<u8>) -> Self {
        self.field(4, raw)
    }

    pub(crate) fn payload(self, payload: &[u8]) -> Self {
        self.field(5, bytes(payload))
    }

    pub(crate) fn error(self, code: u64) -> Self {
        self.field(6, error(code))
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = vec![0x87];
        self.fields.iter().for_each(|field| body.extend_from_slice(field));
        body
    }

    /// One frame, with VOLATILE as it must be.
    pub(crate) fn frame(&self) -> Vec<u8> {
        let ref_less = self.fields[2] == [0xf6];
        let kind = self.fields[0][0];
        let volatile = match u64::from(kind) {
            HELLO | EVENT => true,
            ACK => ref_less,
            _ => false,
        };
        frame(if volatile { VOLATILE } else { 0 }, &self.body())
    }
}

/// A request, id and all.
pub(crate) fn call(id: u64) -> Raw {
    Raw::of(CALL).id(id).target("a.b").payload(b"x")
}

/// An open, both ways.
pub(crate) fn open(id: u64) -> Raw {
    Raw::of(STREAM).id(id).target("a.b")
}

pub(crate) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 1).expect("short");
    let mut out = len.to_be_bytes().to_vec();
    out.push(flags);
    out.extend_from_slice(body);
    out
}

/// A fragment of a group below 64.
pub(crate) fn fragment(flags: u8, group: u8, body: &[u8]) -> Vec<u8> {
    let mut inner = vec![group];
    inner.extend_from_slice(body);
    frame(flags | GROUP, &inner)
}

/// The frames of a batch: flags, group and body of each.
pub(crate) fn frames(mut batch: &[u8]) -> Vec<(u8, Option<u64>, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((len, rest)) = batch.split_first_chunk::<LEN_BYTES>() {
        let (inner, rest) = rest.split_at(u32::from_be_bytes(*len) as usize);
        batch = rest;
        let frame = decode(inner).expect("a well-formed frame");
        frames.push((frame.flags, frame.group, frame.body.to_vec()));
    }
    frames
}

/// The kinds of the whole messages in a batch.
pub(crate) fn kinds(batch: &[u8]) -> Vec<Kind> {
    let whole = frames(batch).into_iter().filter(|(_, group, _)| group.is_none());
    whole.map(|(_, _, body)| Envelope::decode(&body).expect("well-formed").kind).collect()
}

/// The error of the goodbye that ends a batch.
pub(crate) fn last_words(batch: &[u8]) -> (Code, String) {
    let (_, _, body) = frames(batch).pop().expect("something was sent");
    let envelope = Envelope::decode(&body).expect("well-formed");
    assert_eq!((envelope.kind, envelope.reference), (Kind::Cancel, None), "{envelope:?}");
    let error = envelope.error.expect("a goodbye with an error");
    (error.code, error.message.to_owned())
}

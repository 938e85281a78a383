//! Messages made by hand, right or wrong: the attacker's own encoder.

// Kinds.
pub(crate) const CALL: u8 = 2;
pub(crate) const STREAM: u8 = 3;
pub(crate) const SUBSCRIBE: u8 = 4;
pub(crate) const EVENT: u8 = 5;
pub(crate) const ACK: u8 = 6;
pub(crate) const CANCEL: u8 = 7;

pub(crate) const GROUP: u8 = 0x10;
pub(crate) const MORE: u8 = 0x20;
pub(crate) const VOLATILE: u8 = 0x40;
pub(crate) const NULL: u8 = 0xf6;

/// The head of a CBOR item in its shortest form.
pub(crate) fn head(major: u8, value: u64) -> Vec<u8> {
    let top = major << 5;
    let be = value.to_be_bytes();
    match value {
        0..24 => vec![top | value as u8],
        24..0x100 => vec![top | 24, be[7]],
        0x100..0x1_0000 => [&[top | 25], &be[6..]].concat(),
        0x1_0000..0x1_0000_0000 => [&[top | 26], &be[4..]].concat(),
        _ => [&[top | 27], &be[..]].concat(),
    }
}

pub(crate) fn uint(value: u64) -> Vec<u8> {
    head(0, value)
}

pub(crate) fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len() as u64), value.to_vec()].concat()
}

pub(crate) fn text(value: &str) -> Vec<u8> {
    [head(3, value.len() as u64), value.as_bytes().to_vec()].concat()
}

/// One message; every field is raw CBOR, and null until it is set.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    kind: u8,
    fields: [Vec<u8>; 6],
}

impl Message {
    pub(crate) fn new(kind: u8) -> Self {
        Self { kind, fields: std::array::from_fn(|_| vec![NULL]) }
    }

    fn set(mut self, field: usize, cbor: Vec<u8>) -> Self {
        self.fields[field] = cbor;
        self
    }

    pub(crate) fn id(self, id: u64) -> Self {
        self.set(0, uint(id))
    }

    pub(crate) fn reference(self, id: u64) -> Self {
        self.set(1, uint(id))
    }

    pub(crate) fn target(self, target: &str) -> Self {
        self.set(2, text(target))
    }

    /// The pairs of meta, already encoded.
    pub(crate) fn meta(self, pairs: &[Vec<u8>]) -> Self {
        self.set(3, [head(5, pairs.len() as u64), pairs.concat()].concat())
    }

    pub(crate) fn payload(self, payload: &[u8]) -> Self {
        self.set(4, bytes(payload))
    }

    pub(crate) fn error(self, code: u8, message: &str) -> Self {
        let error = [head(5, 2), uint(0), uint(code.into()), uint(1), text(message)].concat();
        self.set(5, error)
    }

    pub(crate) fn envelope(&self) -> Vec<u8> {
        [vec![0x87, self.kind], self.fields.concat()].concat()
    }

    fn flags(&self) -> u8 {
        let answers = self.fields[1] != [NULL];
        let volatile = matches!(self.kind, 1 | EVENT) || (self.kind == ACK && !answers);
        if volatile { VOLATILE } else { 0 }
    }

    /// In one frame.
    pub(crate) fn frame(&self) -> Vec<u8> {
        frame(self.flags(), &self.envelope())
    }

    /// In fragments of a group.
    pub(crate) fn fragments(&self, group: u8, fragment_bytes: usize) -> Vec<u8> {
        let envelope = self.envelope();
        let last = envelope.len().div_ceil(fragment_bytes) - 1;
        let parts = envelope.chunks(fragment_bytes).enumerate().map(|(number, part)| {
            let more = if number < last { MORE } else { 0 };
            frame(self.flags() | GROUP | more, &[&[group], part].concat())
        });
        parts.collect::<Vec<_>>().concat()
    }
}

/// A frame with these flags.
pub(crate) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 1).expect("tests stay below 4 GiB");
    [&len.to_be_bytes()[..], &[flags], body].concat()
}

/// A pair of meta: `end` is 0, `deadline` 1, `credit` 2.
pub(crate) fn pair(key: u64, value: Vec<u8>) -> Vec<u8> {
    [uint(key), value].concat()
}

pub(crate) fn end() -> Vec<u8> {
    pair(0, vec![0xf5])
}

pub(crate) fn call(id: u64, target: &str) -> Vec<u8> {
    Message::new(CALL).id(id).target(target).payload(b"\x01").frame()
}

pub(crate) fn cancel(id: u64) -> Vec<u8> {
    Message::new(CANCEL).reference(id).frame()
}

pub(crate) fn open(id: u64) -> Message {
    Message::new(STREAM).id(id).target("a.b")
}

pub(crate) fn item(id: u64, payload: &[u8]) -> Vec<u8> {
    Message::new(STREAM).reference(id).payload(payload).frame()
}

pub(crate) fn grant(id: u64, credit: u64) -> Vec<u8> {
    Message::new(ACK).reference(id).meta(&[pair(2, uint(credit))]).frame()
}

pub(crate) fn ping(id: u64) -> Vec<u8> {
    Message::new(ACK).id(id).frame()
}

pub(crate) fn subscribe(id: u64, pattern: &str, credit: u64) -> Vec<u8> {
    Message::new(SUBSCRIBE).id(id).target(pattern).meta(&[pair(2, uint(credit))]).frame()
}

pub(crate) fn publish(topic: &str, payload: &[u8]) -> Vec<u8> {
    Message::new(EVENT).target(topic).payload(payload).frame()
}

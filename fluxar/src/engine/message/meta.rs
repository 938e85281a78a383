//! The envelope's meta map: the protocol's integer keys, then the user's text keys.

use crate::engine::message::user::UserMeta;
use crate::engine::violation::Violation;
use crate::engine::wire::cbor::{self, Reader};
use bytes::Bytes;

/// Entries of one meta map, at most.
pub const ENTRIES_MAX: u64 = 64;
/// Bytes of one meta map, at most.
pub const BYTES_MAX: usize = 8 << 10;
/// Of these, entries of the user's: 16 are left to the protocol's own keys.
pub(crate) const USER_ENTRIES_MAX: u64 = ENTRIES_MAX - 16;
/// Bytes of the user's entries: 1 KiB is left.
pub(crate) const USER_BYTES_MAX: usize = BYTES_MAX - 1024;

/// `true` closes this direction of a stream, or ends a subscription.
pub const END: u64 = 0;
/// Milliseconds left.
pub const DEADLINE: u64 = 1;
/// Bytes granted.
pub const CREDIT: u64 = 2;
/// Quality of service: 0 is absent.
pub const QOS: u64 = 3;
/// `true` keeps the event as its topic's value.
pub const RETAIN: u64 = 4;
const CONTENT_TYPE: u64 = 5;
const TRACEPARENT: u64 = 6;
const TRACESTATE: u64 = 7;
/// The same for every attempt at one thing.
pub const IDEMPOTENCY_KEY: u64 = 8;
const TO: u64 = 9;
const FROM: u64 = 10;
/// Calls and relays between the first caller and this message.
pub const HOPS: u64 = 11;
const POSITION: u64 = 12;
/// The queue group of a subscription.
pub const GROUP: u64 = 13;
const EXPIRY: u64 = 14;
const DURABLE: u64 = 15;
const PRODUCER: u64 = 16;
const DELIVERY: u64 = 17;
const SEALED: u64 = 18;
/// What happens when a subscriber is too slow.
pub const OVERFLOW: u64 = 19;
/// The policy that needs qos 1.
const OVERFLOW_BLOCK: u8 = 4;
const ENCODING: u64 = 20;
/// The highest number of the sequence that was taken.
pub const RECEIPT: u64 = 21;
/// Events dropped on this subscription since the last one delivered.
pub const DROPPED: u64 = 22;
/// Unknown keys below this are a violation, from here on they are ignored.
const IGNORED_FROM: u64 = 32;
/// There are no keys from here on.
const KEYS_MAX: u64 = 64;
/// The envelope and the meta map itself.
const OUTER_LEVELS: usize = 2;

/// A checked meta map, borrowed from the received message. The keys that the engine acts on are
/// picked out on the way; the rest is looked up when asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaView<'a> {
    /// The map as received; empty when absent.
    pub raw: &'a [u8],
    /// [`END`].
    pub end: bool,
    /// [`RETAIN`].
    pub retain: bool,
    /// [`QOS`].
    pub qos: u8,
    /// [`OVERFLOW`].
    pub overflow: u8,
    /// [`DEADLINE`], in milliseconds.
    pub deadline_ms: Option<u64>,
    /// [`CREDIT`], in bytes.
    pub credit: Option<u64>,
    /// [`HOPS`].
    pub hops: u64,
    /// [`DROPPED`].
    pub dropped: u64,
    /// [`RECEIPT`].
    pub receipt: Option<u64>,
    /// [`IDEMPOTENCY_KEY`].
    pub idempotency_key: Option<[u8; 16]>,
    /// [`GROUP`].
    pub group: Option<&'a str>,
    /// The entries of the user's, which stand behind all others; empty when there are none.
    pub user: &'a [u8],
    /// A key that asks for something this version does not do.
    pub unsupported: Option<u64>,
}

impl<'a> MetaView<'a> {
    /// Reads a meta map or null. Every key and value is checked, so that what follows may trust
    /// the raw bytes.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        let mut view = Self::default();
        if reader.null() {
            return Ok(view);
        }
        let from = reader.position();
        let entries = reader.map()?;
        if entries == 0 {
            return Err(Violation::MetaEmpty);
        }
        if entries > ENTRIES_MAX {
            return Err(Violation::MetaEntries);
        }
        let mut last_key = None;
        let mut last_name: Option<&str> = None;
        let mut user = 0;
        for _ in 0..entries {
            let major = reader.peek()?;
            if major == cbor::TEXT {
                if last_name.is_none() {
                    user = reader.position();
                }
                let name = reader.text()?;
                let rises = |last: &str| (last.len(), last) < (name.len(), name);
                if !last_name.is_none_or(rises) {
                    return Err(Violation::CborKeyOrder);
                }
                last_name = Some(name);
                if reader.peek()? != cbor::TEXT {
                    return Err(Violation::MetaUser);
                }
                reader.text()?;
            } else if major == cbor::UINT {
                let key = reader.uint()?;
                if last_name.is_some() || last_key.is_some_and(|last| last >= key) {
                    return Err(Violation::CborKeyOrder);
                }
                last_key = Some(key);
                view.value(key, reader).map_err(range)?;
            } else {
                return Err(Violation::MetaKey);
            }
        }
        view.raw = reader.since(from);
        view.user = if last_name.is_some() { reader.since(user) } else { &[] };
        if view.raw.len() > BYTES_MAX {
            return Err(Violation::MetaBytes);
        }
        Ok(view)
    }

    fn value(&mut self, key: u64, reader: &mut Reader<'a>) -> Result<(), Violation> {
        match key {
            END => self.end = flag(reader)?,
            RETAIN => self.retain = flag(reader)?,
            DEADLINE => self.deadline_ms = Some(reader.uint()?),
            CREDIT => self.credit = Some(reader.uint()?),
            HOPS => self.hops = reader.uint()?,
            DROPPED => self.dropped = reader.uint()?,
            QOS => {
                self.qos = in_range(reader.uint()?, 2)?;
                self.ask_for(key, self.qos > 0);
            }
            OVERFLOW => {
                self.overflow = in_range(reader.uint()?, OVERFLOW_BLOCK)?;
                self.ask_for(key, self.overflow == OVERFLOW_BLOCK);
            }
            GROUP => self.group = Some(name(reader)?),
            ENCODING => {
                let numbers = in_range(reader.uint()?, 1)? == 1;
                self.ask_for(key, numbers);
            }
            TO | DURABLE => {
                name(reader)?;
                self.ask_for(key, true);
            }
            CONTENT_TYPE | TRACESTATE | FROM => {
                name(reader)?;
            }
            TRACEPARENT => sized(reader, 25)?,
            IDEMPOTENCY_KEY => {
                let bytes = reader.bytes()?.try_into();
                self.idempotency_key = Some(bytes.map_err(|_| Violation::MetaValue)?);
            }
            RECEIPT => self.receipt = Some(reader.uint()?),
            EXPIRY | DELIVERY => {
                reader.uint()?;
            }
            POSITION => {
                numbers(reader, 2)?;
                self.ask_for(key, true);
            }
            PRODUCER => {
                if reader.array()? != 3 {
                    return Err(Violation::MetaValue);
                }
                sized(reader, 16)?;
                reader.uint()?;
                reader.uint()?;
                self.ask_for(key, true);
            }
            SEALED => {
                reader.bytes()?;
                self.ask_for(key, true);
            }
            IGNORED_FROM..KEYS_MAX => reader.skip(OUTER_LEVELS)?,
            _ => return Err(Violation::MetaUnknown),
        }
        Ok(())
    }

    /// A key that asks for something that is not done, on a message other than a call.
    pub(crate) fn unsupported_but_on_calls(&self) -> Option<u64> {
        self.unsupported.or_else(|| self.idempotency_key.map(|_| IDEMPOTENCY_KEY))
    }

    fn ask_for(&mut self, key: u64, asked: bool) {
        if asked {
            self.unsupported = Some(key);
        }
    }
}

/// In meta the rule about values says more than the one about fields.
fn range(violation: Violation) -> Violation {
    if violation == Violation::CborType { Violation::MetaValue } else { violation }
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, Violation> {
    if reader.bool()? { Ok(true) } else { Err(Violation::MetaFalse) }
}

fn in_range(value: u64, max: u8) -> Result<u8, Violation> {
    u8::try_from(value).ok().filter(|value| *value <= max).ok_or(Violation::MetaValue)
}

fn name<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Violation> {
    let text = reader.text()?;
    if text.is_empty() || text.len() > 512 { Err(Violation::MetaValue) } else { Ok(text) }
}

fn sized(reader: &mut Reader<'_>, len: usize) -> Result<(), Violation> {
    if reader.bytes()?.len() == len { Ok(()) } else { Err(Violation::MetaValue) }
}

fn numbers(reader: &mut Reader<'_>, len: u64) -> Result<(), Violation> {
    if reader.array()? != len {
        return Err(Violation::MetaValue);
    }
    for _ in 0..len {
        reader.uint()?;
    }
    Ok(())
}

/// The meta of a received message, for the application: the bytes of the map when it has entries of
/// the user's, else none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    raw: Bytes,
    hops: u32,
    idempotency_key: Option<[u8; 16]>,
}

impl Meta {
    pub(crate) fn new(raw: Bytes, hops: u32, idempotency_key: Option<[u8; 16]>) -> Self {
        Self { raw, hops, idempotency_key }
    }

    /// What names the attempts at one thing.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<[u8; 16]> {
        self.idempotency_key
    }

    /// Calls and relays between the first caller and this message.
    #[must_use]
    pub fn hops(&self) -> u32 {
        self.hops
    }

    /// The user's entry with this key, when it is text.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut reader = Reader::new(&self.raw);
        let entries = if self.raw.is_empty() { 0 } else { reader.map().ok()? };
        for _ in 0..entries {
            let is_name = reader.peek().ok()? == cbor::TEXT;
            if is_name && reader.text().ok()? == key {
                return reader.text().ok();
            }
            if !is_name {
                reader.skip(OUTER_LEVELS).ok()?;
            }
            reader.skip(OUTER_LEVELS).ok()?;
        }
        None
    }
}

/// What the sender puts into meta.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MetaOut<'a> {
    pub(crate) end: bool,
    pub(crate) retain: bool,
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) credit: Option<u64>,
    pub(crate) hops: u32,
    pub(crate) dropped: u64,
    pub(crate) receipt: Option<u64>,
    pub(crate) idempotency_key: Option<[u8; 16]>,
    pub(crate) overflow: u8,
    pub(crate) group: Option<&'a str>,
    pub(crate) user: &'a [(String, String)],
    /// Entries of the user's that are carried on, in place of `user`.
    pub(crate) carried: Option<&'a UserMeta>,
}

impl MetaOut<'_> {
    /// Appends the map, or null when there is nothing in it.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let entries = u64::from(self.end)
            + u64::from(self.retain)
            + u64::from(self.deadline_ms.is_some())
            + u64::from(self.credit.is_some())
            + u64::from(self.hops > 0)
            + u64::from(self.dropped > 0)
            + u64::from(self.receipt.is_some())
            + u64::from(self.idempotency_key.is_some())
            + u64::from(self.overflow > 0)
            + u64::from(self.group.is_some())
            + self.carried.map_or(self.user.len(), |carried| carried.iter().count()) as u64;
        if entries == 0 {
            cbor::put_null(out);
            return;
        }
        cbor::put_head(out, cbor::MAP, entries);
        if self.end {
            cbor::put_uint(out, END);
            cbor::put_bool(out, true);
        }
        put_number(out, DEADLINE, self.deadline_ms);
        put_number(out, CREDIT, self.credit);
        if self.retain {
            cbor::put_uint(out, RETAIN);
            cbor::put_bool(out, true);
        }
        if let Some(key) = &self.idempotency_key {
            cbor::put_uint(out, IDEMPOTENCY_KEY);
            cbor::put_bytes(out, key);
        }
        put_number(out, HOPS, (self.hops > 0).then_some(u64::from(self.hops)));
        if let Some(group) = self.group {
            cbor::put_uint(out, GROUP);
            cbor::put_text(out, group);
        }
        put_number(out, OVERFLOW, (self.overflow > 0).then_some(u64::from(self.overflow)));
        put_number(out, RECEIPT, self.receipt);
        put_number(out, DROPPED, (self.dropped > 0).then_some(self.dropped));
        self.put_user(out);
    }

    fn put_user(&self, out: &mut Vec<u8>) {
        if let Some(carried) = self.carried {
            out.extend_from_slice(carried.wire());
        }
        if self.user.is_empty() {
            return;
        }
        let mut entries: Vec<&(String, String)> = self.user.iter().collect();
        entries.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
        for (key, value) in entries {
            cbor::put_text(out, key);
            cbor::put_text(out, value);
        }
    }

    /// Whether the user's entries fit the protocol: unique, few and short.
    pub(crate) fn user_is_valid(user: &[(String, String)]) -> bool {
        let bytes: usize = user.iter().map(|(key, value)| key.len() + value.len() + 10).sum();
        let few = user.len() as u64 <= USER_ENTRIES_MAX && bytes <= USER_BYTES_MAX;
        let mut keys: Vec<&str> = user.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        few && keys.windows(2).all(|pair| pair[0] != pair[1])
    }
}

fn put_number(out: &mut Vec<u8>, key: u64, value: Option<u64>) {
    if let Some(value) = value {
        cbor::put_uint(out, key);
        cbor::put_uint(out, value);
    }
}

//! The seven fields common to all messages:
//!
//! ```text
//! 87                array(7)
//!    02             type    CALL
//!    03             id      3
//!    f6             ref     null: a request
//!    69 75 73 ..    target  "users.get"
//!    a1 01 19 ..    meta    {deadline: ..}
//!    42 18 2a       payload an encoded item, opaque here
//!    f6             error   null
//! ```

use crate::engine::message::kind::Kind;
use crate::engine::message::meta::{MetaOut, MetaView};
use crate::engine::violation::Violation;
use crate::engine::wire::cbor::{self, Reader};
use crate::error::{Code, Origin, Status};
use crate::id::Id;
use bytes::Bytes;
use std::time::Duration;

/// Bytes of a target, at most.
pub const TARGET_BYTES_MAX: usize = 512;
/// Bytes of an error's message; the sender cuts it.
const ERROR_TEXT_BYTES_MAX: usize = 4 << 10;
/// The envelope and the error map itself.
const OUTER_LEVELS: usize = 2;

/// A decoded message, borrowed from the bytes it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope<'a> {
    /// Which of the seven.
    pub kind: Kind,
    /// Its name, when somebody may answer.
    pub id: Option<Id>,
    /// The message it answers or continues.
    pub reference: Option<Id>,
    /// `service.method`, a topic or a topic pattern.
    pub target: Option<&'a str>,
    /// Everything optional.
    pub meta: MetaView<'a>,
    /// An encoded item.
    pub payload: Option<&'a [u8]>,
    /// What went wrong.
    pub error: Option<ErrorView<'a>>,
}

/// The error field: `{0: code, 1: message, 2: type name, 3: details, 4: retry_after_ms}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorView<'a> {
    /// The code; one of a newer peer reads as unknown.
    pub code: Code,
    /// For a person.
    pub message: &'a str,
    /// The type of the application's error.
    pub type_name: Option<&'a str>,
    /// Its CBOR.
    pub details: Option<&'a [u8]>,
    /// When a retry makes sense, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl<'a> Envelope<'a> {
    /// Reads one envelope and nothing else.
    ///
    /// # Errors
    /// The rule that the bytes break. Which fields a kind may carry is checked by the kind.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Violation> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != 7 {
            return Err(Violation::EnvelopeShape);
        }
        let kind = Kind::from_number(reader.uint()?)?;
        let id = read_id(&mut reader)?;
        let reference = read_id(&mut reader)?;
        let target = if reader.null() { None } else { Some(reader.text()?) };
        if target.is_some_and(|text| text.is_empty() || text.len() > TARGET_BYTES_MAX) {
            return Err(Violation::TargetLength);
        }
        let meta = MetaView::read(&mut reader)?;
        let payload = if reader.null() { None } else { Some(reader.bytes()?) };
        let error = if reader.null() { None } else { Some(ErrorView::read(&mut reader)?) };
        reader.finish()?;
        Ok(Self { kind, id, reference, target, meta, payload, error })
    }
}

/// A CALL or STREAM with ref and payload and nothing else, read without the detours that other
/// messages need. Accepts exactly what [`Envelope::decode`] reads as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bare<'a> {
    pub(crate) kind: Kind,
    pub(crate) reference: u64,
    pub(crate) payload: &'a [u8],
}

impl<'a> Bare<'a> {
    /// Bytes of the envelope beside its payload, at most.
    pub(crate) const HEAD_BYTES_MAX: usize = 24;

    /// Appends the envelope, the same bytes as [`Outgoing::put`].
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0x87, self.kind.number(), 0xf6]);
        cbor::put_uint(out, self.reference);
        out.extend_from_slice(&[0xf6, 0xf6]);
        cbor::put_bytes(out, self.payload);
        cbor::put_null(out);
    }

    /// `None` for whatever is not bare, well-formed or not.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[0x87, kind @ (2 | 3), 0xf6], rest) = bytes.split_first_chunk()? else {
            return None;
        };
        let (reference, rest) = head(rest, cbor::UINT)?;
        let (&[0xf6, 0xf6], rest) = rest.split_first_chunk()? else { return None };
        let (len, rest) = head(rest, cbor::BYTES)?;
        let (&0xf6, payload) = rest.split_last()? else { return None };
        if payload.len() as u64 != len || reference == 0 {
            return None;
        }
        let kind = if kind == 2 { Kind::Call } else { Kind::Stream };
        Some(Self { kind, reference, payload })
    }
}

/// The argument of a head of this major type in its shortest form, up to 32 bits.
fn head(bytes: &[u8], major: u8) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first >> 5 != major {
        return None;
    }
    match first & 0x1f {
        value @ 0..=23 => Some((u64::from(value), rest)),
        24 => {
            let (value, rest) = rest.split_first()?;
            (*value >= 24).then_some((u64::from(*value), rest))
        }
        25 => {
            let (value, rest) = rest.split_first_chunk()?;
            let value = u16::from_be_bytes(*value);
            (value >= 0x100).then_some((u64::from(value), rest))
        }
        26 => {
            let (value, rest) = rest.split_first_chunk()?;
            let value = u32::from_be_bytes(*value);
            (value >= 0x1_0000).then_some((u64::from(value), rest))
        }
        _ => None,
    }
}

fn read_id(reader: &mut Reader<'_>) -> Result<Option<Id>, Violation> {
    if reader.null() {
        return Ok(None);
    }
    let number = if reader.peek()? == cbor::BYTES {
        let bytes: [u8; 16] = reader.bytes()?.try_into().map_err(|_| Violation::IdForm)?;
        let number = u128::from_be_bytes(bytes);
        if number <= u128::from(u64::MAX) {
            return Err(Violation::IdForm);
        }
        number
    } else {
        u128::from(reader.uint()?)
    };
    Id::new(number).map(Some).ok_or(Violation::IdZero)
}

impl<'a> ErrorView<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Violation> {
        let entries = reader.map()?;
        let (mut code, mut message) = (None, None);
        let (mut type_name, mut details, mut retry_after_ms) = (None, None, None);
        let mut last = None;
        for _ in 0..entries {
            let key = reader.uint()?;
            if last.is_some_and(|last| last >= key) {
                return Err(Violation::CborKeyOrder);
            }
            last = Some(key);
            match key {
                0 => code = Some(error_code(reader.uint()?)?),
                1 => message = Some(reader.text()?),
                2 => type_name = Some(reader.text()?),
                3 => details = Some(reader.bytes()?),
                4 => retry_after_ms = Some(reader.uint()?),
                32..64 => reader.skip(OUTER_LEVELS)?,
                _ => return Err(Violation::ErrorShape),
            }
        }
        let code = code.ok_or(Violation::ErrorCode)?;
        if details.is_some() && type_name.is_none() {
            return Err(Violation::ErrorDetails);
        }
        let message = message.unwrap_or_default();
        let name_len = type_name.map_or(0, str::len);
        if message.len() > ERROR_TEXT_BYTES_MAX || name_len > TARGET_BYTES_MAX {
            return Err(Violation::ErrorLong);
        }
        Ok(Self { code, message, type_name, details, retry_after_ms })
    }

    /// The status that this error means, said by the peer.
    pub(crate) fn status(&self) -> Status {
        let mut status = Status::new(self.code, self.message).with_origin(Origin::Peer);
        if let Some(type_name) = self.type_name {
            let details = Bytes::copy_from_slice(self.details.unwrap_or_default());
            status = status.with_details(type_name, details);
        }
        match self.retry_after_ms {
            Some(millis) => status.with_retry_after(Duration::from_millis(millis)),
            None => status,
        }
    }
}

fn error_code(number: u64) -> Result<Code, Violation> {
    match u8::try_from(number) {
        Ok(0) | Err(_) => Err(Violation::ErrorCode),
        Ok(number) => Ok(Code::from_number(number)),
    }
}

/// A message to send. 0 means no id, an empty target means none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
    pub(crate) reference: u64,
    pub(crate) target: &'a str,
    pub(crate) meta: MetaOut<'a>,
    pub(crate) payload: Option<&'a [u8]>,
    pub(crate) error: Option<&'a Status>,
}

impl<'a> Outgoing<'a> {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            id: 0,
            reference: 0,
            target: "",
            meta: MetaOut::default(),
            payload: None,
            error: None,
        }
    }

    pub(crate) fn answering(kind: Kind, reference: u64) -> Self {
        Self { reference, ..Self::new(kind) }
    }

    pub(crate) fn with_error(mut self, error: Option<&'a Status>) -> Self {
        self.error = error;
        self
    }

    /// Whether the frame is outside the sequence: HELLO, ref-less ACK, EVENT of qos 0.
    pub(crate) fn is_volatile(&self) -> bool {
        is_volatile(self.kind, self.reference != 0, 0)
    }

    /// An upper bound of the encoded length, near enough to decide about fragments.
    pub(crate) fn size_hint(&self) -> usize {
        let entry = |(key, value): &(String, String)| key.len() + value.len() + 10;
        let user: usize = self.meta.user.iter().map(entry).sum();
        let error = self.error.map_or(0, |status| {
            let details = status.details().map_or(0, Bytes::len);
            status.message().len() + status.type_name().map_or(0, str::len) + details + 64
        });
        let group = self.meta.group.map_or(0, str::len);
        self.payload.map_or(0, <[u8]>::len) + self.target.len() + group + user + error + 96
    }

    /// Appends the envelope.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let mut head = [0xf6_u8; 2];
        head[0] = 0x87;
        head[1] = self.kind.number();
        out.extend_from_slice(&head);
        put_id(out, self.id);
        put_id(out, self.reference);
        if self.target.is_empty() {
            cbor::put_null(out);
        } else {
            cbor::put_text(out, self.target);
        }
        self.meta.put(out);
        match self.payload {
            Some(payload) => cbor::put_bytes(out, payload),
            None => cbor::put_null(out),
        }
        match self.error {
            Some(status) => put_error(out, status),
            None => cbor::put_null(out),
        }
    }
}

/// Which messages are outside the sequence.
pub(crate) fn is_volatile(kind: Kind, has_reference: bool, qos: u8) -> bool {
    match kind {
        Kind::Hello => true,
        Kind::Ack => !has_reference,
        Kind::Event => qos == 0,
        _ => false,
    }
}

fn put_id(out: &mut Vec<u8>, id: u64) {
    if id == 0 {
        cbor::put_null(out);
    } else {
        cbor::put_uint(out, id);
    }
}

fn put_error(out: &mut Vec<u8>, status: &Status) {
    let retry_after = status.retry_after();
    let typed = status.type_name();
    let entries = 2 + 2 * u64::from(typed.is_some()) + u64::from(retry_after.is_some());
    cbor::put_head(out, cbor::MAP, entries);
    cbor::put_uint(out, 0);
    cbor::put_uint(out, u64::from(status.code().number()));
    cbor::put_uint(out, 1);
    cbor::put_text(out, cut(status.message(), ERROR_TEXT_BYTES_MAX));
    if let Some(type_name) = typed {
        cbor::put_uint(out, 2);
        cbor::put_text(out, cut(type_name, TARGET_BYTES_MAX));
        cbor::put_uint(out, 3);
        cbor::put_bytes(out, status.details().map_or(&[], |details| &details[..]));
    }
    if let Some(after) = retry_after {
        cbor::put_uint(out, 4);
        cbor::put_uint(out, u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    }
}

/// The longest whole characters of `text` within `bytes_max`.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_bare(envelope: &Envelope<'_>) -> bool {
        let answers = matches!(envelope.kind, Kind::Call | Kind::Stream);
        let reference = envelope.reference.and_then(Id::session);
        answers
            && reference.is_some_and(|id| u32::try_from(id).is_ok())
            && envelope.id.is_none()
            && envelope.target.is_none()
            && envelope.meta.raw.is_empty()
            && envelope.payload.is_some()
            && envelope.error.is_none()
    }

    proptest! {
        /// The short way reads what the general way reads, and nothing else.
        #[test]
        fn bare_messages_read_the_same(
            kind in 1_u8..=7,
            id in 0_u64..3,
            reference in prop_oneof![0_u64..30, 200..300_u64, 65_000..66_000_u64, any::<u64>()],
            payload in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)),
            damage in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let kind = Kind::from_number(u64::from(kind)).expect("1 to 7");
            let mut message = Outgoing::answering(kind, reference);
            message.id = id.saturating_sub(1);
            message.payload = payload.as_deref();
            let mut bytes = Vec::new();
            message.put(&mut bytes);
            if let Some(bare) = Bare::read(&bytes) {
                let mut again = Vec::new();
                bare.put(&mut again);
                prop_assert_eq!(&again, &bytes);
            }
            if let Some((at, byte)) = damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let general = Envelope::decode(&bytes).ok().filter(is_bare);
            let general = general.map(|envelope| Bare {
                kind: envelope.kind,
                reference: envelope.reference.and_then(Id::session).unwrap_or_default(),
                payload: envelope.payload.unwrap_or_default(),
            });
            prop_assert_eq!(Bare::read(&bytes), general);
        }
    }
}

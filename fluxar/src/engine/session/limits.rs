//! What a peer takes: the limits in its HELLO.

use crate::config::Limits;
use crate::engine::session::handshake::each_key;
use crate::engine::violation::Violation;
use crate::engine::wire::cbor::Reader;

/// Frames below this cannot carry the messages of the protocol itself.
const FRAME_BYTES_MIN: u64 = 1024;

/// What a peer takes, as it declared in HELLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerLimits {
    /// See [`Limits::frame_bytes_max`].
    pub frame_bytes_max: u32,
    /// See [`Limits::message_bytes_max`].
    pub message_bytes_max: u32,
    /// See [`Limits::calls_max`].
    pub calls_max: u32,
    /// See [`Limits::streams_max`].
    pub streams_max: u32,
    /// See [`Limits::subscriptions_max`].
    pub subscriptions_max: u32,
    /// See [`Limits::initial_credit`].
    pub initial_credit: u32,
    /// See [`Limits::groups_max`].
    pub groups_max: u32,
    /// See [`Limits::reassembly_bytes_max`].
    pub reassembly_bytes_max: u32,
}

impl PeerLimits {
    /// What `limits` lets the peer do.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        Self {
            frame_bytes_max: limits.frame_bytes_max,
            message_bytes_max: limits.message_bytes_max,
            calls_max: limits.calls_max,
            streams_max: limits.streams_max,
            subscriptions_max: limits.subscriptions_max,
            initial_credit: limits.initial_credit,
            groups_max: limits.groups_max,
            reassembly_bytes_max: limits.reassembly_bytes_max,
        }
    }

    pub(super) fn numbers(&self) -> [u32; 8] {
        [
            self.frame_bytes_max,
            self.message_bytes_max,
            self.calls_max,
            self.streams_max,
            self.subscriptions_max,
            self.initial_credit,
            self.groups_max,
            self.reassembly_bytes_max,
        ]
    }

    fn from_numbers(numbers: [u64; 8]) -> Result<Self, Violation> {
        let [frame, message, calls, streams, subscriptions, credit, groups, reassembly] =
            numbers.map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let works = u64::from(frame) >= FRAME_BYTES_MIN
            && u64::from(message) >= FRAME_BYTES_MIN
            && reassembly >= message
            && credit > 0
            && credit <= i32::MAX as u32
            && groups > 0;
        if !works {
            return Err(Violation::HelloLimits);
        }
        Ok(Self {
            frame_bytes_max: frame,
            message_bytes_max: message,
            calls_max: calls,
            streams_max: streams,
            subscriptions_max: subscriptions,
            initial_credit: credit,
            groups_max: groups,
            reassembly_bytes_max: reassembly,
        })
    }

    /// The map of a HELLO body.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Violation> {
        let mut numbers = [0; 8];
        let mut seen = 0;
        each_key(reader, |key, reader| {
            let Some(slot) = usize::try_from(key).ok().and_then(|key| numbers.get_mut(key)) else {
                return Ok(false);
            };
            *slot = reader.uint()?;
            seen += 1;
            Ok(true)
        })?;
        if seen != numbers.len() {
            return Err(Violation::HelloMissing);
        }
        Self::from_numbers(numbers)
    }
}

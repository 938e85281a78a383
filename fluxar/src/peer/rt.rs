//! What generated code stands on. Stable for `#[fluxar::service]` only: use the public API.

use crate::payload::{Keys, Mode, encode_with};
pub use crate::peer::SubscribeWith;
pub use crate::peer::call::{Call, CallFuture, Notification};
pub use crate::peer::opening::{DuplexCall, StreamCall};
pub use crate::peer::raw::{RawSink, RawStreaming};
pub use crate::peer::router::{Params, Routes, Service};
pub use crate::peer::sink::{Sink, pump, pump_all};
pub use crate::peer::streaming::Streaming;
pub use crate::peer::topics::{Publisher, TopicEvents};
pub use crate::peer::{Context, Peer};
pub use crate::service::rt::{
    ANY, AppError, Bound, Code, Decimal, Decode, DecodeAny, DecodeKnown, DecodeNone, DescribeAny,
    DescribeKnown, Described, Encode, EncodeAny, EncodeKnown, EncodeNone, Error, Failure, Head,
    Int, Limits, Mismatch, NoResult, Probe, Reader, Registry, Segment, SegmentAny, SegmentKnown,
    Status, Table, Timestamp, Topic, Type, TypeRef, Unknown, Url, Uuid, Value, Writer, bytes,
    constant, decode, deserialize, encode, fill, foreign_path, need, push_literal, push_segment,
    put_name, put_type, reads, serde, serialize, take_segment, writes,
};
pub use futures_core::Stream;
pub use std::convert::Infallible;
pub use std::future::Future;
pub use std::sync::Arc;

use crate::peer::call::Outgoing;
use crate::peer::encoding::present;
use crate::peer::router::Outcome;
use serde::Serialize;

/// Encodes what a unary handler gave. A null result is sent empty.
///
/// # Errors
/// The handler's own, as a status; or the result cannot be encoded.
pub fn reply<T: Serialize, E: Failure>(
    outcome: Result<T, E>,
    keys: Keys,
) -> Result<Vec<u8>, Status> {
    let result = outcome.map_err(Failure::into_status)?;
    let mut bytes = encode_with(&result, Mode::unchecked(keys))?;
    if present(&bytes).is_none() {
        bytes.clear();
    }
    Ok(bytes)
}

/// Encodes what a stream's handler gave. A null result is left out.
///
/// # Errors
/// As [`reply`].
pub fn outcome<T: Serialize, E: Failure>(outcome: Result<T, E>, keys: Keys) -> Outcome {
    let bytes = reply(outcome, keys)?;
    Ok(if bytes.is_empty() { None } else { Some(bytes) })
}

/// A typed call.
pub fn call<P: Encode, T, E>(peer: &Peer, target: &'static str, params: Option<&P>) -> Call<T, E> {
    Call::new(Outgoing::named(peer, target, params))
}

/// A notification.
pub fn notify<P: Encode>(peer: &Peer, target: &'static str, params: Option<&P>) -> Notification {
    Notification::new(Outgoing::named(peer, target, params))
}

/// A stream from the callee.
pub fn stream<P: Encode, T, U, E>(
    peer: &Peer,
    target: &'static str,
    params: Option<&P>,
) -> StreamCall<T, U, E> {
    StreamCall::new(Outgoing::named(peer, target, params))
}

/// A stream with items from the opener.
pub fn duplex<P: Encode, I, T, U, E>(
    peer: &Peer,
    target: &'static str,
    params: Option<&P>,
) -> DuplexCall<I, T, U, E> {
    DuplexCall::new(Outgoing::named(peer, target, params))
}

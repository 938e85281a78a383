//! What generated code stands on. Stable for `#[fluxar::service]` only: use the public API.

pub use crate::error::{Code, Status};
pub use crate::payload::{decode, encode};
pub use crate::peer::call::{Call, CallFuture, Notification};
pub use crate::peer::opening::{DuplexCall, StreamCall};
pub use crate::peer::raw::{RawSink, RawStreaming};
pub use crate::peer::router::{Params, Routes, Service};
pub use crate::peer::sink::{Sink, pump, pump_all};
pub use crate::peer::streaming::Streaming;
pub use crate::peer::{Context, Peer};
pub use crate::service::rt::{
    AppError, Content, DescribeAny, DescribeKnown, Entries, Error, Failure, FieldDef, NoResult,
    Probe, Record, Registry, Type, TypeBody, TypeDef, TypeRef, Union, VariantDef, is_absent,
    or_default, read_parameters, read_record, read_union, read_unit,
};
pub use bytes;
pub use futures_core::Stream;
pub use serde;
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
pub fn reply<T: Serialize, E: Failure>(outcome: Result<T, E>) -> Result<Vec<u8>, Status> {
    let mut bytes = encode(&outcome.map_err(Failure::into_status)?)?;
    if present(&bytes).is_none() {
        bytes.clear();
    }
    Ok(bytes)
}

/// Encodes what a stream's handler gave. A null result is left out.
///
/// # Errors
/// As [`reply`].
pub fn outcome<T: Serialize, E: Failure>(outcome: Result<T, E>) -> Outcome {
    let bytes = reply(outcome)?;
    Ok(if bytes.is_empty() { None } else { Some(bytes) })
}

/// A typed call.
pub fn call<P: Serialize + ?Sized, T, E>(
    peer: &Peer,
    target: &'static str,
    params: Option<&P>,
) -> Call<T, E> {
    Call::new(Outgoing::new(peer, target, params))
}

/// A notification.
pub fn notify<P: Serialize + ?Sized>(
    peer: &Peer,
    target: &'static str,
    params: Option<&P>,
) -> Notification {
    Notification::new(Outgoing::new(peer, target, params))
}

/// A stream from the callee.
pub fn stream<P: Serialize + ?Sized, T, U, E>(
    peer: &Peer,
    target: &'static str,
    params: Option<&P>,
) -> StreamCall<T, U, E> {
    StreamCall::new(Outgoing::new(peer, target, params))
}

/// A stream with items from the opener.
pub fn duplex<P: Serialize + ?Sized, I, T, U, E>(
    peer: &Peer,
    target: &'static str,
    params: Option<&P>,
) -> DuplexCall<I, T, U, E> {
    DuplexCall::new(Outgoing::new(peer, target, params))
}

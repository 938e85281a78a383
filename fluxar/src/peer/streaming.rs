//! A stream's receiving side, with types.

use crate::error::Status;
use crate::payload;
use crate::peer::encoding::decode_answer;
use crate::peer::raw::RawStreaming;
use crate::service::Failure;
use futures_core::Stream;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Types that a handle gives and does not hold.
pub(crate) type Marker<A> = PhantomData<fn() -> A>;

/// Items of type `T` as they arrive, then perhaps a result of type `U`.
///
/// A handler receives one for the caller's items; a caller receives one for the callee's, and
/// with it the callee's error type `E`. Dropping a caller's cancels the work at the other end.
/// Not reading holds the sender back once its credit is used up.
pub struct Streaming<T, U = (), E = Infallible> {
    raw: RawStreaming,
    /// The error at the end was handed out as an item.
    is_told: bool,
    types: Marker<(T, U, E)>,
}

impl<T, U, E> Streaming<T, U, E> {
    pub(crate) fn new(raw: RawStreaming) -> Self {
        Self { raw, is_told: false, types: PhantomData }
    }

    /// Asks the callee to stop. It may still send items and a result: read on, or drop this.
    pub fn cancel(&self) {
        self.raw.cancel();
    }
}

impl<T: DeserializeOwned, U, E: Failure> Streaming<T, U, E> {
    /// The next item; `None` at the end. An error comes once, as the last item.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Result<T, E::Error>> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, E::Error>>> {
        let decode = |item: &[u8]| payload::decode(item).map_err(E::from_status);
        if let Some(item) = std::task::ready!(self.raw.poll_item(cx, decode)) {
            return Poll::Ready(Some(item));
        }
        match self.raw.end() {
            Some(Err(status)) if !self.is_told => {
                self.is_told = true;
                Poll::Ready(Some(Err(E::from_status(status.clone()))))
            }
            _ => Poll::Ready(None),
        }
    }
}

impl<T, U: DeserializeOwned, E: Failure> Streaming<T, U, E> {
    /// Skips the items that are left and gives the result.
    ///
    /// # Errors
    /// How the callee failed, or why its answer is not known. Dropping the future cancels the
    /// stream.
    pub async fn finish(mut self) -> Result<U, E::Error> {
        while std::future::poll_fn(|cx| self.raw.poll_item(cx, |_| ())).await.is_some() {}
        let end = self.raw.end().cloned().unwrap_or(Ok(None));
        let decoded = end.and_then(|bytes| decode_answer(&bytes.unwrap_or_default()));
        decoded.map_err(E::from_status)
    }
}

impl<T: DeserializeOwned, U, E: Failure> Stream for Streaming<T, U, E> {
    type Item = Result<T, E::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(cx)
    }
}

impl<T, U, E> Unpin for Streaming<T, U, E> {}

impl<T, U, E> fmt::Debug for Streaming<T, U, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

/// The status of a stream that ended badly, if it has.
impl<T, U, E> Streaming<T, U, E> {
    /// How the stream ended, once it has: `None` while it runs, and when it ended well.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        self.raw.end().and_then(|end| end.as_ref().err())
    }
}

//! The libraries under measurement, each behind the same small traits.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::cell::Subject;
use crate::certs::Files;
use crate::measure::{Arrivals, Counter};

pub(crate) mod fluxar;
pub(crate) mod nats;
pub(crate) mod outbox;
pub(crate) mod raw;
pub(crate) mod raw_tls;
pub(crate) mod tarpc;
pub(crate) mod tonic;

/// Whom to connect to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Where it listens.
    pub(crate) server: SocketAddr,
    /// Who it is.
    pub(crate) subject: Subject,
    /// The directory of certificates.
    pub(crate) certs: Option<PathBuf>,
}

impl Target {
    /// The certificates of a subject that has some.
    pub(crate) fn files(&self) -> Result<Files> {
        Ok(Files::of(self.certs.as_deref().context("no --certs")?))
    }
}

/// A handle on one connection that any number of tasks share.
pub(crate) trait Handle: Clone + Send + Sync + Sized + 'static {
    /// Opens the connection.
    fn connect(target: &Target) -> impl Future<Output = Result<Self>> + Send;
}

/// Calls.
pub(crate) trait Echo: Handle {
    /// Has the server return the payload.
    fn echo(&self, payload: Bytes) -> impl Future<Output = Result<Bytes>> + Send;
}

/// Streams from the server.
pub(crate) trait Items: Handle {
    /// Opens a stream that does not end and counts its items.
    fn items(&self, counter: &Counter) -> impl Future<Output = Result<()>> + Send;
}

/// Streams to the server.
pub(crate) trait Upload: Handle {
    /// Sends `bytes` in chunks; returns how many bytes the server says it received.
    fn upload(&self, bytes: u64, chunk: Bytes) -> impl Future<Output = Result<u64>> + Send;
}

/// Publish and subscribe over one topic.
pub(crate) trait Topics: Handle {
    /// Subscribes, and returns when the subscription is in place; the future it returns receives
    /// without end.
    fn subscribe(
        self,
        arrivals: Arrivals,
    ) -> impl Future<Output = Result<BoxFuture<'static, Result<()>>>> + Send;

    /// Publishes one event.
    fn publish(&self, payload: Bytes) -> impl Future<Output = Result<()>> + Send;
}

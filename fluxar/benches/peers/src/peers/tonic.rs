//! tonic with prost: no delay, windows of 1 MiB a stream and 4 MiB a connection, a request buffer
//! of 4096.

use std::pin::Pin;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt as _, repeat};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

use super::{Echo, Handle, Items, Target, Upload};
use crate::measure::Counter;

/// Flow-control window of a stream, bytes.
const STREAM_WINDOW: u32 = 1 << 20;
/// Flow-control window of a connection, bytes.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Requests that wait for the connection's task.
const REQUESTS_MAX: usize = 4096;
/// Deadline of a call: on, as in the other columns, and long enough not to fire.
const CALL_TIME: Duration = Duration::from_secs(10);

/// A message of bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Blob {
    /// The bytes.
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) payload: Bytes,
}

/// A message of one number: the size of an item asked for, or of the upload received.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct Count {
    /// The number.
    #[prost(uint64, tag = "1")]
    pub(crate) bytes: u64,
}

/// What build.rs generates.
mod generated {
    #![allow(
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        missing_debug_implementations,
        elided_lifetimes_in_paths,
        clippy::all,
        clippy::too_many_lines,
        clippy::allow_attributes_without_reason,
        reason = "generated code"
    )]
    include!(concat!(env!("OUT_DIR"), "/bench.Bench.rs"));
}

use generated::bench_client::BenchClient;
use generated::bench_server::{Bench, BenchServer};

#[derive(Debug)]
struct Service;

#[tonic::async_trait]
impl Bench for Service {
    type ItemsStream = Pin<Box<dyn Stream<Item = Result<Blob, Status>> + Send>>;

    async fn echo(&self, request: Request<Blob>) -> Result<Response<Blob>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn items(&self, request: Request<Count>) -> Result<Response<Self::ItemsStream>, Status> {
        let size = usize::try_from(request.into_inner().bytes)
            .map_err(|_| Status::invalid_argument("an item of this size"))?;
        let item = Blob { payload: Bytes::from(vec![7; size]) };
        Ok(Response::new(Box::pin(repeat(item).map(Ok))))
    }

    async fn upload(&self, request: Request<Streaming<Blob>>) -> Result<Response<Count>, Status> {
        let (mut chunks, mut bytes) = (request.into_inner(), 0);
        while let Some(chunk) = chunks.message().await? {
            bytes += chunk.payload.len() as u64;
        }
        Ok(Response::new(Count { bytes }))
    }
}

/// Serves the three methods.
pub(crate) async fn serve(listener: TcpListener) -> Result<()> {
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .add_service(BenchServer::new(Service))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await?;
    Ok(())
}

/// The calling side.
#[derive(Clone, Debug)]
pub(crate) struct Client(BenchClient<Channel>);

impl Handle for Client {
    async fn connect(target: &Target) -> Result<Self> {
        let channel = Endpoint::from_shared(format!("http://{}", target.server))?
            .tcp_nodelay(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .buffer_size(REQUESTS_MAX)
            .connect()
            .await?;
        Ok(Self(BenchClient::new(channel)))
    }
}

impl Echo for Client {
    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        let mut request = Request::new(Blob { payload });
        request.set_timeout(CALL_TIME);
        Ok(self.0.clone().echo(request).await?.into_inner().payload)
    }
}

impl Items for Client {
    async fn items(&self, counter: &Counter) -> Result<()> {
        let size = Count { bytes: crate::measure::ITEM_BYTES as u64 };
        let mut items = self.0.clone().items(size).await?.into_inner();
        while items.message().await?.is_some() {
            counter.add_one();
        }
        Ok(())
    }
}

impl Upload for Client {
    async fn upload(&self, bytes: u64, chunk: Bytes) -> Result<u64> {
        let count = usize::try_from(bytes / chunk.len() as u64)?;
        let chunks = repeat(Blob { payload: chunk }).take(count);
        Ok(self.0.clone().upload(chunks).await?.into_inner().bytes)
    }
}

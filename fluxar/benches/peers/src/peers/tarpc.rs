//! tarpc over its serde transport with bincode, limits raised above the number of callers.

use anyhow::Result;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tarpc::context;
use tarpc::server::{BaseChannel, Channel as _};
use tarpc::tokio_serde::formats::Bincode;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::LengthDelimitedCodec;

use super::{Echo, Handle, Target};

/// Requests in flight and in buffers, above the most callers we have.
const REQUESTS_MAX: usize = 4096;

/// The generated half.
mod service {
    #[tarpc::service]
    pub(crate) trait Bench {
        async fn echo(payload: bytes::Bytes) -> bytes::Bytes;
    }
}

use service::{Bench, BenchClient};

#[derive(Clone, Debug)]
struct Service;

impl Bench for Service {
    async fn echo(self, _: context::Context, payload: Bytes) -> Bytes {
        payload
    }
}

/// Answers every call with its payload, each call in a task of its own, as tarpc's example does.
pub(crate) async fn serve(listener: TcpListener) -> Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let transport = tarpc::serde_transport::new(
            LengthDelimitedCodec::builder().new_framed(socket),
            Bincode::default(),
        );
        let config = tarpc::server::Config { pending_response_buffer: REQUESTS_MAX };
        let calls = BaseChannel::new(config, transport).execute(Service.serve());
        tokio::spawn(calls.for_each(async |call| {
            tokio::spawn(call);
        }));
    }
}

/// The calling side.
#[derive(Clone, Debug)]
pub(crate) struct Client(BenchClient);

impl Handle for Client {
    async fn connect(target: &Target) -> Result<Self> {
        let socket = TcpStream::connect(target.server).await?;
        socket.set_nodelay(true)?;
        let transport = tarpc::serde_transport::new(
            LengthDelimitedCodec::builder().new_framed(socket),
            Bincode::default(),
        );
        let mut config = tarpc::client::Config::default();
        config.max_in_flight_requests = REQUESTS_MAX;
        config.pending_request_buffer = REQUESTS_MAX;
        Ok(Self(BenchClient::new(config, transport).spawn()))
    }
}

impl Echo for Client {
    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        Ok(self.0.echo(context::current(), payload).await?)
    }
}

//! fluxar's full public API: a typed service on both sides, deadlines and credit on, payloads
//! through serde; over each kind of session.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use fluxar::transport::{TlsClient, TlsServer};
use fluxar::{Cipher, Client as Connection, Seal, SealKey, Server, Status, Streaming};
use futures_util::future::BoxFuture;
use futures_util::stream::{Stream, StreamExt as _, repeat};

use super::{Echo, Handle, Items, Target, Topics, Upload};
use crate::cell::Subject;
use crate::certs::Files;
use crate::measure::{Arrivals, Counter, ITEM_BYTES};

/// Deadline of a call: on, and long enough not to fire.
const CALL_TIME: Duration = Duration::from_secs(10);
/// Where the events go.
const TOPIC: &str = "bench.events";

/// What is measured.
#[fluxar::service]
trait Bench {
    /// Returns its payload.
    async fn echo(&self, payload: Bytes) -> Bytes;
    /// Items of this size, without end.
    fn items(&self, size: usize) -> impl Stream<Item = Result<Bytes, Status>>;
    /// Counts the bytes that arrive.
    async fn upload(&self, chunks: Streaming<Bytes>) -> Result<u64, Status>;
}

#[derive(Debug)]
struct Service;

impl Bench for Service {
    async fn echo(&self, payload: Bytes) -> Bytes {
        payload
    }

    fn items(&self, size: usize) -> impl Stream<Item = Result<Bytes, Status>> {
        repeat(Ok(Bytes::from(vec![7; size])))
    }

    async fn upload(&self, mut chunks: Streaming<Bytes>) -> Result<u64, Status> {
        let mut bytes = 0;
        while let Some(chunk) = chunks.next().await {
            bytes += chunk?.len() as u64;
        }
        Ok(bytes)
    }
}

/// Whether it is fluxar, in one way or another.
pub(crate) const fn is_variant(subject: Subject) -> bool {
    use Subject::{Fluxar, Quic, Resume, Sealed, Tls};
    matches!(subject, Fluxar | Resume | Sealed | Tls | Quic)
}

const fn scheme(subject: Subject) -> &'static str {
    match subject {
        Subject::Tls => "tls",
        Subject::Quic => "quic",
        _ => "tcp",
    }
}

/// Serves the methods and relays the topic; `announce` is told the port.
pub(crate) async fn serve(
    subject: Subject,
    files: Option<Files>,
    announce: impl FnOnce(u16) -> Result<()>,
) -> Result<()> {
    let mut building = Server::bind(format!("{}://127.0.0.1:0", scheme(subject)));
    if matches!(subject, Subject::Tls | Subject::Quic) {
        let files = files.context("no --certs")?;
        building = building.tls(TlsServer::from_pem(files.cert, files.key)?);
    }
    if subject == Subject::Sealed {
        building = building.seal(Seal::require(SealKey::generate()?));
    }
    let server = building.build().await?;
    server.serve(BenchServer::new(Service));
    let address = server.addresses().iter().next().context("the server listens")?;
    announce(address.port())?;
    server.run().await;
    Ok(())
}

/// The calling side.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    connection: Arc<Connection>,
    bench: BenchClient,
}

impl Handle for Client {
    async fn connect(target: &Target) -> Result<Self> {
        let subject = target.subject;
        let address = format!("{}://{}", scheme(subject), target.server);
        let mut building = Connection::connect(address);
        if subject != Subject::Resume {
            building = building.no_reconnect();
        }
        if matches!(subject, Subject::Tls | Subject::Quic) {
            building = building.tls(TlsClient::new().ca(target.files()?.ca)?.only());
        }
        if subject == Subject::Sealed {
            let seal = Seal::require(SealKey::generate()?).cipher(Cipher::AesGcm);
            building = building.seal(seal);
        }
        let connection = building.build().await?;
        let bench = BenchClient::new(&connection);
        Ok(Self { connection: Arc::new(connection), bench })
    }
}

impl Echo for Client {
    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        Ok(self.bench.echo(payload).timeout(CALL_TIME).await?)
    }
}

impl Items for Client {
    async fn items(&self, counter: &Counter) -> Result<()> {
        let mut items = self.bench.items(ITEM_BYTES).open()?;
        while let Some(item) = items.next().await {
            ensure!(item?.len() == ITEM_BYTES, "an item of another size");
            counter.add_one();
        }
        Ok(())
    }
}

impl Upload for Client {
    async fn upload(&self, bytes: u64, chunk: Bytes) -> Result<u64> {
        let count = usize::try_from(bytes / chunk.len() as u64)?;
        Ok(self.bench.upload().send_all(repeat(chunk).take(count)).await?)
    }
}

impl Topics for Client {
    async fn subscribe(self, arrivals: Arrivals) -> Result<BoxFuture<'static, Result<()>>> {
        let mut events = self.connection.events(TOPIC).await?;
        Ok(Box::pin(async move {
            while let Some(event) = events.next().await {
                ensure!(event.dropped() == 0, "events were dropped");
                let _payload: Bytes = event.payload()?;
                arrivals.one();
            }
            // The connection lives as long as the subscription.
            drop(self);
            Ok(())
        }))
    }

    async fn publish(&self, payload: Bytes) -> Result<()> {
        Ok(self.connection.publish(TOPIC, &payload).await?)
    }
}

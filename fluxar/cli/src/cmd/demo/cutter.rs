//! A forwarder on the loopback interface that breaks its links on command.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// How long a link swallows what the server sends before it breaks, as a network does that is gone
/// before anybody notices: what is lost so has to be sent again.
pub(super) const SWALLOWS: Duration = Duration::from_millis(100);
/// Links at once: one, and its successor before it is gone.
const LINKS_MAX: usize = 8;

/// Stands between a client and a server. Dropping it breaks what goes through it.
#[derive(Debug)]
pub(super) struct Cutter {
    address: SocketAddr,
    cuts: watch::Sender<u64>,
    task: JoinHandle<()>,
}

impl Cutter {
    /// Listens, and forwards to this address.
    ///
    /// # Errors
    /// The loopback interface gives no port.
    pub(super) async fn start(to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (cuts, cut) = watch::channel(0);
        let task = tokio::spawn(accept(listener, to, cut));
        Ok(Self { address, cuts, task })
    }

    /// Where to dial.
    pub(super) fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Breaks every link that is there now; the next one is made again.
    pub(super) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, cut: watch::Receiver<u64>) {
    let mut links = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while links.len() >= LINKS_MAX {
            let _gone = links.join_next().await;
        }
        let mut cut = cut.clone();
        // Cuts of the past are no business of this link.
        cut.mark_unchanged();
        links.spawn(async move {
            if let Ok(server) = TcpStream::connect(to).await {
                carry(client, server, cut).await;
            }
        });
    }
}

/// Carries bytes both ways until one side ends or the link is cut. Then both sides lose it.
async fn carry(client: TcpStream, server: TcpStream, mut cut: watch::Receiver<u64>) {
    // Each write is a token: it must not wait for the next.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
        _ = cut.changed() => swallow(&mut from_server).await,
    }
}

async fn swallow(from: &mut OwnedReadHalf) {
    let swallowing = async {
        let mut bytes = [0; 4096];
        while matches!(from.read(&mut bytes).await, Ok(read) if read > 0) {}
    };
    let _elapsed = tokio::time::timeout(SWALLOWS, swallowing).await;
}

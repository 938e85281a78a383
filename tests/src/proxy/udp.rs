//! A UDP proxy that drops, doubles and reorders datagrams.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// How often a datagram fares ill, in a hundred.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a table of the tests")]
pub struct UdpFaults {
    /// It is lost.
    pub lost: u8,
    /// It comes twice.
    pub doubled: u8,
    /// It comes behind the next one.
    pub swapped: u8,
}

/// Bytes of a datagram, at most.
const DATAGRAM_BYTES: usize = 64 << 10;

/// A proxy in front of one address. Ends when dropped.
#[derive(Debug)]
pub struct UdpProxy {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl UdpProxy {
    /// Forwards to `upstream` and back, with these faults in both directions.
    ///
    /// # Errors
    /// There is no port to listen at.
    pub async fn start(upstream: SocketAddr, seed: u64, faults: UdpFaults) -> io::Result<Self> {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
        let address = socket.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(socket, upstream, fastrand::Rng::with_seed(seed), faults));
        Ok(Self { address, _tasks: tasks })
    }

    /// Where to send.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(
    socket: Arc<UdpSocket>,
    upstream: SocketAddr,
    mut rng: fastrand::Rng,
    faults: UdpFaults,
) {
    let mut ways: HashMap<SocketAddr, (Arc<UdpSocket>, Lossy)> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut bytes = vec![0; DATAGRAM_BYTES];
    // An error belongs to an earlier datagram.
    loop {
        let Ok((len, client)) = socket.recv_from(&mut bytes).await else { continue };
        let (out, lossy) = match ways.entry(client) {
            Entry::Occupied(way) => way.into_mut(),
            Entry::Vacant(way) => {
                let Ok(out) = UdpSocket::bind("127.0.0.1:0").await else { continue };
                if out.connect(upstream).await.is_err() {
                    continue;
                }
                let out = Arc::new(out);
                let lossy = Lossy::new(rng.fork(), faults);
                tasks.spawn(back(Arc::clone(&out), Arc::clone(&socket), client, lossy.again()));
                way.insert((out, lossy))
            }
        };
        for datagram in lossy.pass(&bytes[..len]) {
            let _lost = out.send(&datagram).await;
        }
    }
}

async fn back(from: Arc<UdpSocket>, to: Arc<UdpSocket>, client: SocketAddr, mut lossy: Lossy) {
    let mut bytes = vec![0; DATAGRAM_BYTES];
    loop {
        let Ok(len) = from.recv(&mut bytes).await else { continue };
        for datagram in lossy.pass(&bytes[..len]) {
            let _lost = to.send_to(&datagram, client).await;
        }
    }
}

/// One direction.
struct Lossy {
    rng: fastrand::Rng,
    faults: UdpFaults,
    held: Option<Vec<u8>>,
}

impl Lossy {
    fn new(rng: fastrand::Rng, faults: UdpFaults) -> Self {
        Self { rng, faults, held: None }
    }

    /// The other direction, with a fate of its own.
    fn again(&self) -> Self {
        Self::new(self.rng.clone().fork(), self.faults)
    }

    /// What follows from one datagram.
    fn pass(&mut self, datagram: &[u8]) -> Vec<Vec<u8>> {
        let mut passing = Vec::new();
        let draw = self.rng.u8(..100);
        let UdpFaults { lost, doubled, swapped } = self.faults;
        if draw < lost {
        } else if draw < lost + doubled {
            passing.extend([datagram.to_vec(), datagram.to_vec()]);
        } else if draw < lost + doubled + swapped && self.held.is_none() {
            self.held = Some(datagram.to_vec());
            return passing;
        } else {
            passing.push(datagram.to_vec());
        }
        passing.extend(self.held.take());
        passing
    }
}

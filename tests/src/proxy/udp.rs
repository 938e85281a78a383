//! A UDP proxy that drops, doubles and reorders datagrams, falls silent, and moves.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
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
/// Datagrams that wait for one way; beyond it they are lost, as in any router.
const QUEUE_MAX: usize = 1024;

/// What the proxy is told.
#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    /// Nothing passes towards the upstream, or back from it.
    is_mute: [bool; 2],
    /// How often every dialer has moved.
    moves: u64,
}

/// A proxy in front of one address. Ends when dropped.
#[derive(Debug)]
pub struct UdpProxy {
    address: SocketAddr,
    orders: watch::Sender<Orders>,
    _tasks: JoinSet<()>,
}

impl UdpProxy {
    /// Forwards to `upstream` and back, with these faults in both directions.
    ///
    /// # Errors
    /// There is no port to listen at.
    pub async fn start(upstream: SocketAddr, seed: u64, faults: UdpFaults) -> io::Result<Self> {
        let near = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
        let address = near.local_addr()?;
        let orders = watch::Sender::new(Orders::default());
        let mut tasks = JoinSet::new();
        let rng = fastrand::Rng::with_seed(seed);
        tasks.spawn(serve(near, upstream, rng, faults, orders.subscribe()));
        Ok(Self { address, orders, _tasks: tasks })
    }

    /// Where to send.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From here on the upstream sees every dialer at another address: what a phone does that
    /// leaves a house.
    pub fn rebind(&self) {
        self.orders.send_modify(|orders| orders.moves += 1);
    }

    /// Whether datagrams towards the upstream, and those back from it, all get lost. One of the two
    /// is a connection that is half open.
    pub fn mute(&self, there: bool, back: bool) {
        self.orders.send_modify(|orders| orders.is_mute = [there, back]);
    }
}

async fn serve(
    near: Arc<UdpSocket>,
    upstream: SocketAddr,
    mut rng: fastrand::Rng,
    faults: UdpFaults,
    orders: watch::Receiver<Orders>,
) {
    let mut ways: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut bytes = vec![0; DATAGRAM_BYTES];
    loop {
        // An error belongs to an earlier datagram.
        let Ok((len, dialer)) = near.recv_from(&mut bytes).await else { continue };
        let way = ways.entry(dialer).or_insert_with(|| {
            let (sender, datagrams) = mpsc::channel(QUEUE_MAX);
            let near = (Arc::clone(&near), dialer);
            let both = [Lossy::new(rng.fork(), faults), Lossy::new(rng.fork(), faults)];
            tasks.spawn(carry(near, upstream, datagrams, both, orders.clone()));
            sender
        });
        let _lost = way.try_send(bytes[..len].to_vec());
    }
}

/// Both directions of one dialer.
async fn carry(
    (near, dialer): (Arc<UdpSocket>, SocketAddr),
    upstream: SocketAddr,
    mut datagrams: mpsc::Receiver<Vec<u8>>,
    [mut there, mut back]: [Lossy; 2],
    mut orders: watch::Receiver<Orders>,
) {
    let mut bytes = vec![0; DATAGRAM_BYTES];
    let mut now = *orders.borrow_and_update();
    // Without a port this dialer has no way.
    let Ok(mut far) = outside(upstream).await else { return };
    loop {
        tokio::select! {
            datagram = datagrams.recv() => {
                let Some(datagram) = datagram else { return };
                if !now.is_mute[0] {
                    for datagram in there.pass(&datagram) {
                        let _lost = far.send_to(&datagram, upstream).await;
                    }
                }
            }
            got = far.recv_from(&mut bytes) => {
                if let (Ok((len, _)), false) = (got, now.is_mute[1]) {
                    for datagram in back.pass(&bytes[..len]) {
                        let _lost = near.send_to(&datagram, dialer).await;
                    }
                }
            }
            changed = orders.changed() => {
                if changed.is_err() {
                    return;
                }
                let before = std::mem::replace(&mut now, *orders.borrow_and_update());
                if before.moves != now.moves {
                    let Ok(moved) = outside(upstream).await else { return };
                    far = moved;
                }
            }
        }
    }
}

async fn outside(to: SocketAddr) -> io::Result<UdpSocket> {
    UdpSocket::bind(if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).await
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

    /// What follows from one datagram.
    fn pass(&mut self, datagram: &[u8]) -> Vec<Vec<u8>> {
        let mut passing = Vec::new();
        let draw = self.rng.u8(..100);
        let UdpFaults { lost, doubled, swapped } = self.faults;
        if draw < lost {
            return passing;
        }
        if draw < lost + doubled {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Each fault happens, and nothing else does: what passes is what came.
    #[test]
    fn datagrams_are_lost_doubled_and_swapped() {
        let faults = UdpFaults { lost: 10, doubled: 10, swapped: 10 };
        let mut lossy = Lossy::new(fastrand::Rng::with_seed(1), faults);
        let mut count = [0_u32; 250];
        let mut swaps = 0;
        let mut last = 0;
        for n in 0..250_u8 {
            for datagram in lossy.pass(&[n]) {
                swaps += u32::from(datagram[0] < last);
                last = datagram[0];
                count[usize::from(last)] += 1;
            }
        }
        assert!(count.iter().all(|n| *n <= 2) && swaps > 5, "{swaps} {count:?}");
        assert!(count.contains(&0) && count.contains(&2), "{count:?}");
    }
}

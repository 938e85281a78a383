//! A TCP proxy that cuts or resets its connections at any byte.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a table of the tests")]
pub enum Fault {
    /// Both sides see an orderly end, perhaps within a frame.
    Cut,
    /// Both sides see a reset.
    Reset,
}

/// Bytes read at once.
const CHUNK_BYTES: usize = 16 << 10;

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    /// Faults that are still to come; after them everything passes.
    faults_left: AtomicU64,
    faults_made: watch::Sender<u64>,
    kinds: Vec<Fault>,
    bytes_max: u64,
    /// Counts the cuts by command.
    command: watch::Sender<u64>,
}

/// A proxy in front of one address. Ends with its connections when dropped.
#[derive(Debug)]
pub struct TcpProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl TcpProxy {
    /// Forwards to `upstream`. Each of the first `faults` connections that live long enough breaks
    /// in one of these ways, at a byte drawn from `seed` that is at most `bytes_max` into it.
    ///
    /// # Errors
    /// There is no port to listen at.
    pub async fn start(
        upstream: SocketAddr,
        seed: u64,
        faults: u64,
        bytes_max: u64,
        kinds: &[Fault],
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            faults_left: AtomicU64::new(faults),
            faults_made: watch::Sender::new(0),
            kinds: kinds.to_vec(),
            bytes_max,
            command: watch::Sender::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared), fastrand::Rng::with_seed(seed)));
        Ok(Self { address, shared, _tasks: tasks })
    }

    /// Where to connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks that were made so far, those by command among them.
    #[must_use]
    pub fn faults(&self) -> u64 {
        *self.shared.faults_made.borrow()
    }

    /// Faults that no connection has taken yet.
    #[must_use]
    pub fn faults_left(&self) -> u64 {
        self.shared.faults_left.load(Ordering::Relaxed)
    }

    /// Waits until so many breaks were made. Cancel safe.
    pub async fn broke(&self, faults: u64) {
        let mut made = self.shared.faults_made.subscribe();
        // The sender lives as long as this.
        let _made = made.wait_for(|made| *made >= faults).await;
    }

    /// Cuts every connection now.
    pub fn cut(&self) {
        self.shared.command.send_modify(|count| *count += 1);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut rng: fastrand::Rng) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // What cannot be accepted has gone again.
                let Ok((inbound, _)) = accepted else { continue };
                let Ok(outbound) = TcpStream::connect(shared.upstream).await else { continue };
                let after = rng.u64(1..=shared.bytes_max);
                let kind = shared.kinds[rng.usize(..shared.kinds.len())];
                // Uneven pieces: no side may count on how bytes are cut into reads.
                let piece = 1 << rng.u32(0..=14);
                let pieces = (piece, CHUNK_BYTES.min(piece * 8 + 1));
                tasks.spawn(forward(Arc::clone(&shared), inbound, outbound, after, kind, pieces));
            }
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
        }
    }
}

async fn forward(
    shared: Arc<Shared>,
    inbound: TcpStream,
    outbound: TcpStream,
    after: u64,
    kind: Fault,
    pieces: (usize, usize),
) {
    let _set = (inbound.set_nodelay(true), outbound.set_nodelay(true));
    let mut command = shared.command.subscribe();
    let budget = Budget { left: AtomicU64::new(after), is_spent: AtomicBool::new(false) };
    let (from_in, to_in) = inbound.into_split();
    let (from_out, to_out) = outbound.into_split();
    let mut up = Pipe { shared: &shared, budget: &budget, from: from_in, to: to_out };
    let mut down = Pipe { shared: &shared, budget: &budget, from: from_out, to: to_in };
    let by_command = tokio::select! {
        () = up.run(pieces.0) => false,
        () = down.run(pieces.1) => false,
        _ = command.changed() => true,
    };
    // Whatever ended it: a fault that was taken is made, or those who count them wait in vain.
    let broken = by_command || budget.is_spent.load(Ordering::Relaxed);
    if broken {
        shared.faults_made.send_modify(|made| *made += 1);
        match kind {
            Fault::Cut => {}
            Fault::Reset => {
                for half in [&up.to, &down.to] {
                    // A socket closed without lingering resets.
                    let _set = half.as_ref().set_zero_linger();
                }
            }
        }
    }
}

/// Bytes of both directions until the fault of one connection.
struct Budget {
    left: AtomicU64,
    /// The fault is taken. The other direction may still be at its last bytes.
    is_spent: AtomicBool,
}

impl Budget {
    /// Takes one of the faults that are left, once a connection.
    fn takes_fault(&self, faults_left: &AtomicU64) -> bool {
        if self.is_spent.load(Ordering::Relaxed) {
            return true;
        }
        let take = |left: u64| left.checked_sub(1);
        let taken = faults_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        self.is_spent.store(taken, Ordering::Relaxed);
        taken
    }
}

/// One direction.
struct Pipe<'a> {
    shared: &'a Shared,
    budget: &'a Budget,
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
}

impl Pipe<'_> {
    /// Passes bytes until the budget is spent or a side ends.
    async fn run(&mut self, piece: usize) {
        let mut bytes = vec![0; piece.min(CHUNK_BYTES)];
        loop {
            let Ok(read @ 1..) = self.from.read(&mut bytes).await else { return };
            let left = self.budget.left.load(Ordering::Relaxed);
            let faults_left = &self.shared.faults_left;
            let is_last = left <= read as u64 && self.budget.takes_fault(faults_left);
            // The fault falls within what was read: only so much of it passes.
            let passes = if is_last { left as usize } else { read };
            if self.to.write_all(&bytes[..passes]).await.is_err() || is_last {
                return;
            }
            let rest = left.saturating_sub(read as u64);
            self.budget.left.store(rest, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both directions may come to the byte before either has passed what it read.
    #[test]
    fn a_connection_takes_one_fault() {
        let faults_left = AtomicU64::new(2);
        let budget = Budget { left: AtomicU64::new(1), is_spent: AtomicBool::new(false) };
        assert!(budget.takes_fault(&faults_left) && budget.takes_fault(&faults_left));
        assert_eq!(faults_left.load(Ordering::Relaxed), 1);
    }
}

//! `mem://name`: links within one process, over bounded buffers and without a clock, so that
//! tests under paused time run the same way every time.

use super::byte_stream::{StreamReader, StreamWriter};
use super::{
    Accept, AcceptError, Address, BoxFuture, DialOptions, Incoming, Io, Link, LinkInfo,
    ListenOptions, Listener, TransportError,
};
use std::collections::BTreeMap;
use std::io;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::duplex;
use tokio::sync::mpsc;

/// Bytes under way in one direction before a writer waits.
pub const CAPACITY_BYTES: usize = 64 << 10;
/// Links dialled and not yet accepted before further dials wait.
const BACKLOG: usize = 128;
/// Names that one process may listen at.
const NAMES_MAX: usize = 4096;

pub(super) const IO: Io = Io { dial: Some(dial), listen: Some(listen) };

/// Who listens in this process, by name.
static NAMES: LazyLock<Mutex<BTreeMap<String, mpsc::Sender<Link>>>> = LazyLock::new(Mutex::default);

fn names() -> MutexGuard<'static, BTreeMap<String, mpsc::Sender<Link>>> {
    // A panic cannot leave the map half changed.
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Two ends of one link, for tests and for peers within a process.
#[must_use]
pub fn pair() -> (Link, Link) {
    pair_named("pair", CAPACITY_BYTES)
}

/// As [`pair`], with another bound of bytes under way in each direction (1 at least).
#[must_use]
pub fn pair_with_capacity(bytes: usize) -> (Link, Link) {
    pair_named("pair", bytes)
}

fn pair_named(name: &str, capacity: usize) -> (Link, Link) {
    let (dialed, accepted) = duplex(capacity.max(1));
    let (listener, dialer) = (format!("mem://{name}"), format!("mem://{name}#dialer"));
    let here = LinkInfo::new("mem", dialer.clone(), listener.clone());
    let there = LinkInfo::new("mem", listener, dialer);
    let link = |end, info| {
        let (reader, writer) = tokio::io::split(end);
        Link::new(StreamReader::new(reader), StreamWriter::new(writer), info)
    };
    (link(dialed, here), link(accepted, there))
}

fn dial<'a>(
    address: &'a Address,
    _: &'a DialOptions,
) -> BoxFuture<'a, Result<Link, TransportError>> {
    Box::pin(async move {
        let refused = || TransportError::Connect {
            address: address.to_string(),
            source: io::Error::new(
                io::ErrorKind::ConnectionRefused,
                "nobody listens at that name in this process",
            ),
        };
        let listener = names().get(address.host()).cloned().ok_or_else(refused)?;
        let (ours, theirs) = pair_named(address.host(), CAPACITY_BYTES);
        listener.send(theirs).await.map_err(|_| refused())?;
        Ok(ours)
    })
}

fn listen<'a>(
    address: &'a Address,
    _: &'a ListenOptions,
) -> BoxFuture<'a, Result<Listener, TransportError>> {
    Box::pin(async move {
        let mut names = names();
        if names.contains_key(address.host()) {
            return Err(TransportError::InUse { address: address.to_string() });
        }
        if names.len() >= NAMES_MAX {
            let source = io::Error::other("4096 names are taken in this process");
            return Err(TransportError::Listen { address: address.to_string(), source });
        }
        let (sender, waiting) = mpsc::channel(BACKLOG);
        names.insert(address.host().to_owned(), sender);
        let name = address.host().to_owned();
        Ok(Listener::new(Mem { waiting, name }, address.clone()))
    })
}

struct Mem {
    waiting: mpsc::Receiver<Link>,
    name: String,
}

impl Accept for Mem {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming, AcceptError>> {
        let link = ready!(self.waiting.poll_recv(cx));
        let gone = || AcceptError::new(io::Error::other("the listener's name was taken away"));
        let link = link.ok_or_else(gone)?;
        let peer = link.info.peer.clone();
        Poll::Ready(Ok(Incoming::new(peer, std::future::ready(Ok(link)))))
    }
}

impl Drop for Mem {
    fn drop(&mut self) {
        names().remove(&self.name);
    }
}

//! `exec:program?arg=a&arg=b`, a child that we start, and `stdio:`, the child's own end.
//!
//! The child's standard error is ours, so that it can talk to people. Dropping the link ends the
//! child: one that was told politely (its input closed) has [`CHILD_GRACE`] to leave.

use super::byte_stream::{StreamReader, StreamWriter};
use super::{
    Accept, AcceptError, Address, Batch, BoxFuture, DialOptions, Incoming, Io, Link, LinkInfo,
    LinkReader, LinkWriter, ListenOptions, Listener, TransportError,
};
use bytes::BytesMut;
#[cfg(unix)]
use std::fs::File;
use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
#[cfg(unix)]
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;

/// How long a child may take to leave after its input was closed and its link dropped.
const CHILD_GRACE: Duration = Duration::from_secs(2);

pub(super) const IO: Io = Io { dial: Some(dial_own), listen: Some(listen_own) };
pub(super) const EXEC_IO: Io = Io { dial: Some(dial_child), listen: None };

fn dial_child<'a>(
    address: &'a Address,
    _: &'a DialOptions,
) -> BoxFuture<'a, Result<Link, TransportError>> {
    Box::pin(async move { spawn(address) })
}

fn spawn(address: &Address) -> Result<Link, TransportError> {
    let program = address.path();
    let failed = |source| TransportError::Spawn { program: program.to_owned(), source };
    let mut child = Command::new(program)
        .args(address.arguments())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(failed(io::Error::other("its pipes are missing")));
    };
    let pid = child.id().unwrap_or_default();
    let info = LinkInfo::new("exec", "stdio:", format!("{address} (pid {pid})"));
    let (gone, link_gone) = oneshot::channel();
    tokio::spawn(supervise(child, link_gone, program.to_owned()));
    let lease = Arc::new(Lease { gone: Some(gone), polite: AtomicBool::new(false) });
    let reader = ChildReader { pipe: StreamReader::new(output), _lease: Arc::clone(&lease) };
    let writer = ChildWriter { pipe: StreamWriter::new(input), lease };
    Ok(Link::new(reader, writer, info))
}

/// Held by both halves of the link; its end is the link's end.
struct Lease {
    gone: Option<oneshot::Sender<Polite>>,
    polite: AtomicBool,
}

/// Whether the child's input was closed before the link was dropped.
type Polite = bool;

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(gone) = self.gone.take() {
            // Nobody listens when the child has ended already.
            let _ = gone.send(self.polite.load(Ordering::Relaxed));
        }
    }
}

/// Waits for the child, so that it leaves no zombie, and ends it when the link is gone. Should
/// the runtime end first, the child is killed by its handle's drop.
async fn supervise(mut child: Child, link_gone: oneshot::Receiver<Polite>, program: String) {
    let status = tokio::select! {
        status = child.wait() => status,
        polite = link_gone => {
            let grace = if polite.unwrap_or(false) { CHILD_GRACE } else { Duration::ZERO };
            match tokio::time::timeout(grace, child.wait()).await {
                Ok(status) => status,
                Err(_) => match child.kill().await {
                    Ok(()) => child.wait().await,
                    Err(error) => Err(error),
                },
            }
        }
    };
    match status {
        Ok(status) => tracing::debug!(%program, %status, "child ended"),
        Err(error) => tracing::debug!(%program, %error, "child lost"),
    }
}

struct ChildReader {
    pipe: StreamReader<ChildStdout>,
    _lease: Arc<Lease>,
}

impl LinkReader for ChildReader {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>> {
        self.pipe.poll_read(cx, into)
    }
}

struct ChildWriter {
    pipe: StreamWriter<ChildStdin>,
    lease: Arc<Lease>,
}

impl LinkWriter for ChildWriter {
    fn poll_write(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        self.pipe.poll_write(cx, batch)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.pipe.poll_close(cx))?;
        self.lease.polite.store(true, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

/// Our own standard input and output make one link, once: two would steal each other's bytes.
static TAKEN: AtomicBool = AtomicBool::new(false);

fn own_link(address: &Address) -> Result<Link, TransportError> {
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(TransportError::InUse { address: address.to_string() });
    }
    let info = LinkInfo::new("stdio", "stdio:", "parent");
    #[cfg(unix)]
    if let Some((input, output)) = own_pipes() {
        return Ok(Link::new(StreamReader::new(input), StreamWriter::new(output), info));
    }
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    Ok(Link::new(StreamReader::new(input), StreamWriter::new(output), info))
}

/// Standard input and output as pipes that can be polled, taken away from the rest of the
/// process: what it prints goes to standard error from now on, and closing our direction really
/// closes the pipe.
///
/// Files, terminals and sockets stay where they are and go through tokio's threads instead, where
/// a read that waits delays the end of the runtime. So does an output that standard error shares,
/// since polling makes a pipe non-blocking for both.
#[cfg(unix)]
fn own_pipes() -> Option<(pipe::Receiver, pipe::Sender)> {
    use std::os::unix::fs::MetadataExt;

    let copy = |fd: BorrowedFd<'_>| fd.try_clone_to_owned().map(File::from).ok();
    let input = copy(io::stdin().as_fd())?;
    let output = copy(io::stdout().as_fd())?;
    let errors = copy(io::stderr().as_fd())?;
    let place = |file: &File| file.metadata().map(|data| (data.dev(), data.ino())).ok();
    if place(&output)? == place(&errors)? {
        return None;
    }
    let input = pipe::Receiver::from_owned_fd(input.into()).ok()?;
    let output = pipe::Sender::from_owned_fd(output.into()).ok()?;
    // Should one of these fail, the link works all the same.
    let _ = rustix::stdio::dup2_stdout(&errors);
    if let Ok(nothing) = File::open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(&nothing);
    }
    Some((input, output))
}

fn dial_own<'a>(
    address: &'a Address,
    _: &'a DialOptions,
) -> BoxFuture<'a, Result<Link, TransportError>> {
    Box::pin(async move { own_link(address) })
}

/// A listener with one guest, the parent: a program served to by `exec:` listens here.
fn listen_own<'a>(
    address: &'a Address,
    _: &'a ListenOptions,
) -> BoxFuture<'a, Result<Listener, TransportError>> {
    Box::pin(async move {
        let parent = Some(own_link(address)?);
        Ok(Listener::new(Own { parent }, address.clone()))
    })
}

struct Own {
    parent: Option<Link>,
}

impl Accept for Own {
    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Result<Incoming, AcceptError>> {
        match self.parent.take() {
            Some(link) => {
                let peer = link.info.peer.clone();
                Poll::Ready(Ok(Incoming::new(peer, std::future::ready(Ok(link)))))
            }
            // Nobody else can ever come.
            None => Poll::Pending,
        }
    }
}

//! A link that fails as scripted, or at a word.

use crate::transport::{Batch, Link, LinkReader, LinkWriter};
use bytes::BytesMut;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// What goes wrong in one direction. Counts bytes of frames, from the first one on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Direction {
    /// The link breaks once this many bytes have passed, perhaps within a frame.
    pub cut_after: Option<u64>,
    /// Nothing passes for this long once that many bytes have.
    pub stall_after: Option<(u64, Duration)>,
    /// What arrives together is held back together for this long.
    pub delay: Option<Duration>,
}

impl Direction {
    /// Nothing goes wrong.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Direction::cut_after`].
    #[must_use]
    pub fn cut_after(mut self, bytes: u64) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Sets [`Direction::stall_after`].
    #[must_use]
    pub fn stall_after(mut self, bytes: u64, pause: Duration) -> Self {
        self.stall_after = Some((bytes, pause));
        self
    }

    /// Sets [`Direction::delay`].
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }
}

/// A script for a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultyLink {
    receiving: Direction,
    sending: Direction,
}

impl FaultyLink {
    /// Nothing goes wrong until [`LinkControl`] says so.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What happens to what this end receives.
    #[must_use]
    pub fn receiving(mut self, script: Direction) -> Self {
        self.receiving = script;
        self
    }

    /// What happens to what this end sends.
    #[must_use]
    pub fn sending(mut self, script: Direction) -> Self {
        self.sending = script;
        self
    }

    /// Puts the script on a link.
    #[must_use]
    pub fn wrap(self, link: Link) -> (Link, LinkControl) {
        let control = LinkControl::default();
        let gate = |script| Gate { script, passed: 0, sleep: None, control: control.clone() };
        let Link { reader, writer, info } = link;
        let reader = FaultyReader {
            inner: Some(reader),
            held: BytesMut::new(),
            at_end: None,
            gate: gate(self.receiving),
        };
        let writer = FaultyWriter {
            inner: Some(writer),
            part: Batch::default(),
            is_delayed: false,
            gate: gate(self.sending),
        };
        (Link::new(reader, writer, info), control)
    }
}

/// Breaks a link at a word. Clones mean the same link.
#[derive(Clone, Debug, Default)]
pub struct LinkControl {
    state: Arc<Mutex<ControlState>>,
}

#[derive(Debug, Default)]
struct ControlState {
    is_cut: bool,
    is_stalled: bool,
    /// One for each half at most.
    waiting: Vec<Waker>,
}

impl LinkControl {
    fn lock(&self) -> MutexGuard<'_, ControlState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut ControlState)) {
        let mut state = self.lock();
        change(&mut state);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Breaks the link now, for good.
    pub fn cut(&self) {
        self.change(|state| state.is_cut = true);
    }

    /// Lets nothing pass, in either direction, until [`LinkControl::resume`].
    pub fn stall(&self) {
        self.change(|state| state.is_stalled = true);
    }

    /// Ends a stall.
    pub fn resume(&self) {
        self.change(|state| state.is_stalled = false);
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        if state.is_cut {
            return Poll::Ready(Err(cut()));
        }
        if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
        if state.is_stalled { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "cut by the test's script")
}

/// Where a direction is in its script.
struct Gate {
    script: Direction,
    passed: u64,
    sleep: Option<Pin<Box<Sleep>>>,
    control: LinkControl,
}

impl Gate {
    /// How many of `bytes` may pass now, 1 at least.
    fn poll_pass(&mut self, cx: &mut Context<'_>, bytes: usize) -> Poll<io::Result<usize>> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        ready!(self.control.poll(cx))?;
        let mut most = bytes as u64;
        if let Some((after, pause)) = self.script.stall_after {
            if self.passed >= after {
                self.script.stall_after = None;
                ready!(self.poll_sleep(cx, pause));
            } else {
                most = most.min(after - self.passed);
            }
        }
        if let Some(after) = self.script.cut_after {
            most = most.min(after.saturating_sub(self.passed));
            if most == 0 {
                self.control.cut();
                return Poll::Ready(Err(cut()));
            }
        }
        self.passed += most;
        Poll::Ready(Ok(most as usize))
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, pause: Duration) -> Poll<()> {
        let sleep = self.sleep.insert(Box::pin(tokio::time::sleep(pause)));
        ready!(sleep.as_mut().poll(cx));
        self.sleep = None;
        Poll::Ready(())
    }
}

struct FaultyReader {
    /// Dropped when cut, so that the other end notices.
    inner: Option<Box<dyn LinkReader>>,
    held: BytesMut,
    at_end: Option<io::Result<()>>,
    gate: Gate,
}

impl FaultyReader {
    fn poll_held(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>> {
        // Looked at before reading too: a cut or stall must not wait for the next bytes.
        if self.gate.sleep.is_none() {
            ready!(self.gate.control.poll(cx))?;
        }
        if self.held.is_empty() && self.at_end.is_none() {
            let inner = self.inner.as_mut().ok_or_else(cut)?;
            match ready!(inner.poll_read(cx, &mut self.held)) {
                Ok(0) => self.at_end = Some(Ok(())),
                Ok(_) => {
                    if let Some(delay) = self.gate.script.delay {
                        self.gate.sleep = Some(Box::pin(tokio::time::sleep(delay)));
                    }
                }
                Err(error) => self.at_end = Some(Err(error)),
            }
        }
        if self.held.is_empty() {
            return Poll::Ready(match self.at_end.take() {
                Some(Err(error)) => Err(error),
                _ => {
                    self.at_end = Some(Ok(()));
                    Ok(0)
                }
            });
        }
        let count = ready!(self.gate.poll_pass(cx, self.held.len()))?;
        into.extend_from_slice(&self.held.split_to(count));
        Poll::Ready(Ok(count))
    }
}

impl LinkReader for FaultyReader {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>> {
        let outcome = ready!(self.poll_held(cx, into));
        if outcome.is_err() {
            self.inner = None;
        }
        Poll::Ready(outcome)
    }
}

struct FaultyWriter {
    inner: Option<Box<dyn LinkWriter>>,
    /// What may pass of the present batch, on its way to the inner link.
    part: Batch,
    is_delayed: bool,
    gate: Gate,
}

impl FaultyWriter {
    fn poll_batch(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        loop {
            if !self.part.bytes.is_empty() {
                let inner = self.inner.as_mut().ok_or_else(cut)?;
                ready!(inner.poll_write(cx, &mut self.part))?;
                self.part.clear();
            }
            if batch.is_empty() {
                self.is_delayed = false;
                batch.clear();
                return Poll::Ready(Ok(()));
            }
            if let Some(delay) = self.gate.script.delay
                && !std::mem::replace(&mut self.is_delayed, true)
            {
                self.gate.sleep = Some(Box::pin(tokio::time::sleep(delay)));
            }
            let count = ready!(self.gate.poll_pass(cx, batch.rest().len()))?;
            self.part.bytes.extend_from_slice(&batch.rest()[..count]);
            batch.sent += count;
        }
    }
}

impl LinkWriter for FaultyWriter {
    fn poll_write(&mut self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        let outcome = ready!(self.poll_batch(cx, batch));
        if outcome.is_err() {
            self.inner = None;
        }
        Poll::Ready(outcome)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.inner.as_mut() {
            Some(inner) => inner.poll_close(cx),
            None => Poll::Ready(Err(cut())),
        }
    }
}

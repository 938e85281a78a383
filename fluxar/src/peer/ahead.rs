//! A reader that looks again before it sleeps.
//!
//! To put a thread to sleep and wake it costs both sides of a busy link more than the work on a
//! small message: the sleeper's wake-up takes its time, and the writer pays for the interrupt. So
//! a reader whose link has been answering soon looks a few times more, with every other task
//! getting its turn in between, before it waits. Where that does not pay it stops: each vain round
//! of looks doubles the number of reads until the next, so that an idle link costs nothing and a
//! slow one next to nothing. Nothing is measured by a clock, and nothing that has arrived waits.
//! (The kernel's halt polling adapts in the same way.)

use crate::transport::LinkReader;
use bytes::BytesMut;
use std::future::poll_fn;
use std::io;
use std::task::Poll;

/// Looks before a sleep. One takes about half a microsecond, a wake-up ten times that and more.
const LOOKS: u32 = 128;
/// Reads without a look after vain ones, at most.
const PAUSE_MAX: u32 = 1024;

/// When to look, learnt from the looks before.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// Reads that sleep at once, before the next look.
    pause: u32,
    /// The pause after the next vain round of looks.
    next_pause: u32,
}

impl Ahead {
    pub(crate) fn new() -> Self {
        Self { pause: 0, next_pause: 1 }
    }

    /// Reads what has arrived into `bytes`, waiting for it. Cancel safe.
    pub(crate) async fn read(
        &mut self,
        reader: &mut dyn LinkReader,
        bytes: &mut BytesMut,
    ) -> io::Result<usize> {
        if self.pause > 0 {
            self.pause -= 1;
            return poll_fn(|cx| reader.poll_read(cx, bytes)).await;
        }
        for _ in 0..LOOKS {
            let look = poll_fn(|cx| match reader.poll_read(cx, bytes) {
                Poll::Ready(read) => Poll::Ready(Some(read)),
                Poll::Pending => Poll::Ready(None),
            });
            if let Some(read) = look.await {
                self.next_pause = 1;
                return read;
            }
            // The driver of the runtime looks at its sockets before this comes back.
            tokio::task::yield_now().await;
        }
        self.pause = self.next_pause;
        self.next_pause = (self.next_pause * 2).min(PAUSE_MAX);
        poll_fn(|cx| reader.poll_read(cx, bytes)).await
    }
}

//! One buffer that many tasks append to and one writer empties: the fastest thing perf.md found.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::task::yield_now;

/// Bytes waiting for the writer. Its size is bounded by the callers, who wait for their answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    bytes: Mutex<Vec<u8>>,
    filled: Notify,
}

impl Outbox {
    /// Appends; the first into an empty buffer wakes the writer.
    pub(crate) fn append(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.shared.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = bytes.is_empty();
        write(&mut bytes);
        drop(bytes);
        if was_empty {
            self.shared.filled.notify_one();
        }
    }

    /// Writes what is appended until the socket fails. Yields once before it takes a batch, so that
    /// tasks that are ready join it.
    pub(crate) async fn write_to(self, mut socket: impl AsyncWrite + Unpin) -> io::Result<()> {
        let mut batch = Vec::new();
        loop {
            self.shared.filled.notified().await;
            yield_now().await;
            loop {
                {
                    let mut bytes =
                        self.shared.bytes.lock().unwrap_or_else(PoisonError::into_inner);
                    std::mem::swap(&mut *bytes, &mut batch);
                }
                if batch.is_empty() {
                    break;
                }
                socket.write_all(&batch).await?;
                // A TLS stream keeps a part until then.
                socket.flush().await?;
                batch.clear();
            }
        }
    }
}

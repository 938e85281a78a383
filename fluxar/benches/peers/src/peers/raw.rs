//! Length-prefixed echo with waiting callers: `len: u32 | id: u64 | payload`, no more.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use bytes::{Buf as _, Bytes, BytesMut};
use rustc_hash::FxHashMap;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::outbox::Outbox;
use super::{Echo, Handle, Target};

/// Room kept for one read.
const READ_BYTES: usize = 64 << 10;
/// Larger frames are refused.
const FRAME_BYTES_MAX: usize = 1 << 20;
/// Bytes of an id.
const ID_BYTES: usize = 8;
/// Bytes before the payload: length and id.
const HEAD_BYTES: usize = 4 + ID_BYTES;

/// Answers every frame with itself.
pub(crate) async fn serve(listener: TcpListener) -> Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        tokio::spawn(echo_frames(socket));
    }
}

/// Echoes the frames of one connection, all that one read brought in one write.
pub(crate) async fn echo_frames(mut socket: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
    let (mut input, mut output) = (BytesMut::with_capacity(READ_BYTES), Vec::new());
    loop {
        input.reserve(READ_BYTES);
        if socket.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
        while let Some(length) = whole_frame(&input)? {
            output.extend_from_slice(&input[..length]);
            input.advance(length);
        }
        socket.write_all(&output).await?;
        // A TLS stream keeps a part until then.
        socket.flush().await?;
        output.clear();
    }
}

/// Length of the first frame with its prefix, when all of it is there.
fn whole_frame(input: &[u8]) -> Result<Option<usize>> {
    let Some(prefix) = input.first_chunk() else { return Ok(None) };
    let length = u32::from_be_bytes(*prefix) as usize;
    ensure!((ID_BYTES..=FRAME_BYTES_MAX).contains(&length), "a frame of {length} bytes");
    Ok((input.len() >= 4 + length).then_some(4 + length))
}

/// The calling side of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    outbox: Outbox,
    pending: Arc<Mutex<Pending>>,
}

#[derive(Debug, Default)]
struct Pending {
    last_id: u64,
    callers: FxHashMap<u64, oneshot::Sender<Bytes>>,
}

impl Handle for Client {
    async fn connect(target: &Target) -> Result<Self> {
        let socket = TcpStream::connect(target.server).await?;
        socket.set_nodelay(true)?;
        let (input, output) = socket.into_split();
        Ok(Self::over(input, output))
    }
}

impl Client {
    /// Over the two halves of a connection.
    pub(crate) fn over(
        input: impl AsyncRead + Send + Unpin + 'static,
        output: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        let client = Self { outbox: Outbox::default(), pending: Arc::default() };
        tokio::spawn(client.outbox.clone().write_to(output));
        tokio::spawn(wake_callers(input, Arc::clone(&client.pending)));
        client
    }
}

impl Echo for Client {
    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        let (answer, receiver) = oneshot::channel();
        let id = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.last_id += 1;
            let id = pending.last_id;
            pending.callers.insert(id, answer);
            id
        };
        let length = u32::try_from(ID_BYTES + payload.len())?;
        self.outbox.append(|bytes| {
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&id.to_be_bytes());
            bytes.extend_from_slice(&payload);
        });
        receiver.await.context("the connection ended")
    }
}

/// Reads answers; takes the lock once a read.
async fn wake_callers(
    mut socket: impl AsyncRead + Unpin,
    pending: Arc<Mutex<Pending>>,
) -> Result<()> {
    let mut input = BytesMut::with_capacity(READ_BYTES);
    loop {
        input.reserve(READ_BYTES);
        if socket.read_buf(&mut input).await? == 0 {
            // Those who still wait see their sender dropped.
            pending.lock().unwrap_or_else(PoisonError::into_inner).callers.clear();
            return Ok(());
        }
        let mut whole = 0;
        while let Some(length) = whole_frame(&input[whole..])? {
            whole += length;
        }
        let batch = input.split_to(whole).freeze();
        let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = 0;
        while let Some(length) = whole_frame(&batch[at..])? {
            let head = batch[at..].first_chunk::<HEAD_BYTES>().context("a frame has a head")?;
            let id = u64::from_be_bytes(*head.last_chunk().context("a head ends in an id")?);
            if let Some(caller) = pending.callers.remove(&id) {
                // A caller that has gone away wants no answer.
                let _ = caller.send(batch.slice(at + HEAD_BYTES..at + length));
            }
            at += length;
        }
    }
}

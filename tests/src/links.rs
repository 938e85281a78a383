//! Links driven by hand: awaiting what `LinkReader` and `LinkWriter` poll.

use bytes::BytesMut;
use fluxar::transport::{Batch, LinkReader, LinkWriter};
use std::future::poll_fn;
use std::io;

/// Bytes that one pumped batch has at most.
const PUMP_BYTES_MAX: usize = 256 << 10;

/// Reads what comes next; 0 bytes are the end.
///
/// # Errors
/// As the link's.
pub async fn read(reader: &mut dyn LinkReader, into: &mut BytesMut) -> io::Result<usize> {
    poll_fn(|cx| reader.poll_read(cx, into)).await
}

/// Reads exactly `bytes`.
///
/// # Errors
/// As the link's, and when it ends before.
pub async fn read_exactly(reader: &mut dyn LinkReader, bytes: usize) -> io::Result<BytesMut> {
    let mut into = BytesMut::new();
    while into.len() < bytes {
        if read(reader, &mut into).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    if into.len() > bytes {
        return Err(io::Error::other("more came than was asked for"));
    }
    Ok(into)
}

/// Reads to the end.
///
/// # Errors
/// As the link's.
pub async fn read_to_end(reader: &mut dyn LinkReader) -> io::Result<BytesMut> {
    let mut into = BytesMut::new();
    while read(reader, &mut into).await? > 0 {}
    Ok(into)
}

/// Writes all of `bytes` as one batch.
///
/// # Errors
/// As the link's.
pub async fn write(writer: &mut dyn LinkWriter, bytes: impl Into<Vec<u8>>) -> io::Result<()> {
    let mut batch = Batch { bytes: bytes.into(), sent: 0 };
    poll_fn(|cx| writer.poll_write(cx, &mut batch)).await
}

/// Says that nothing follows.
///
/// # Errors
/// As the link's.
pub async fn close(writer: &mut dyn LinkWriter) -> io::Result<()> {
    poll_fn(|cx| writer.poll_close(cx)).await
}

/// Carries everything from `reader` to `writer`, and the end too.
///
/// # Errors
/// As the links'.
pub async fn pump(reader: &mut dyn LinkReader, writer: &mut dyn LinkWriter) -> io::Result<()> {
    let mut into = BytesMut::new();
    while read(reader, &mut into).await? > 0 {
        while !into.is_empty() {
            let bytes = into.split_to(into.len().min(PUMP_BYTES_MAX));
            write(writer, bytes).await?;
        }
    }
    close(writer).await
}

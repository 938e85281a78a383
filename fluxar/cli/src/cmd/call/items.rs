//! The items that `fluxar call` sends: JSON, a value a line.

use super::{INPUT_BYTES_MAX, Job};
use crate::failure::{Exit, Failure};
use fluxar::payload::Mismatch;
use fluxar::{Code, Sink, Value};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};

/// Where items come from.
pub(super) type Source = Box<dyn AsyncBufRead + Unpin>;

/// Opens the file, or standard input.
///
/// # Errors
/// The file cannot be read.
pub(super) async fn open(name: &str) -> Result<Source, Failure> {
    if name == "-" {
        return Ok(Box::new(BufReader::new(tokio::io::stdin())));
    }
    let file = tokio::fs::File::open(name).await.map_err(|error| {
        let next = "name a file that you may read, or - for standard input";
        Failure::usage(format_args!("cannot read the items in {name}: {error}"), next)
    })?;
    Ok(Box::new(BufReader::new(file)))
}

/// The next line that is not empty, with its number.
async fn line(source: &mut Source, number: &mut u64) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        let mut line = Vec::new();
        source.take(INPUT_BYTES_MAX + 1).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(None);
        }
        *number += 1;
        if line.len() as u64 > INPUT_BYTES_MAX {
            let message = format!("line {number} has more than {INPUT_BYTES_MAX} bytes");
            return Err(std::io::Error::other(message));
        }
        if !line.trim_ascii().is_empty() {
            return Ok(Some(line));
        }
    }
}

impl Job<'_> {
    /// Sends every item and says that nothing follows. Returns only when one of them is wrong: how
    /// the stream itself ends, the receiving side tells.
    pub(super) async fn send(&self, sink: Sink<Value>, mut source: Source) -> Failure {
        let mut number = 0;
        loop {
            let line = match line(&mut source, &mut number).await {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => {
                    let cause = format_args!("cannot read the items: {error}");
                    return Failure::local(cause, "give JSON, a value a line");
                }
            };
            let item = match self.item(&line) {
                Ok(item) => item,
                Err(mismatch) => {
                    let cause = format_args!("{}: item in line {number}: {mismatch}", self.target);
                    let next = "correct it; of what was sent before, the peer may have taken some";
                    return Failure::new(Exit::Failed, Code::InvalidArgument.name(), cause, next);
                }
            };
            if sink.send(item).await.is_err() {
                return std::future::pending().await;
            }
        }
        // When it cannot be said any more, the answer tells why.
        let _lost = sink.finish();
        std::future::pending().await
    }

    fn item(&self, line: &[u8]) -> Result<Value, Mismatch> {
        let json = serde_json::from_slice(line);
        let json = json.map_err(|error| Mismatch::new(format_args!("no JSON: {error}")))?;
        match self.known.and_then(|known| Some((known, known.method.input()?))) {
            Some((known, ty)) => known.types().write(ty, &json),
            None => Value::of(&crate::json::Json(json)),
        }
    }
}

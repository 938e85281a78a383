//! `fluxar call`: one call, or one stream, from the command line.

use crate::dial::{self, Dial};
use crate::failure::Failure;
use crate::json::{self, Json};
use crate::terminal::{self, Format, Interrupts};
use crate::units;
use fluxar::{Client, Code, Status, Streaming};
use serde_json::Value;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Bytes of parameters read from a file or from standard input.
const INPUT_BYTES_MAX: u64 = 16 << 20;

/// Call a method and print what it answers
///
/// The parameters are JSON, @FILE, - for standard input, or key=value pairs (values are JSON if
/// they parse, text otherwise). {"$bytes":"<base64>"} is a byte string, both ways.
///
/// An answer is one JSON value. A stream prints one item a line as it comes, and its final result
/// as a last line {"$result": ...}; on a terminal (or with -o text) texts are printed as they are.
/// Without --stream the target is called, and streamed if the peer says that it is a stream.
///
/// Ctrl-C cancels the work at the peer, which may still send its result; a second one leaves.
///
/// Examples:
///   fluxar call ws://127.0.0.1:9000 llm.complete '{"prompt":"How do tides work?"}'
///   fluxar call ws://127.0.0.1:9000 llm.complete prompt='What is a swell?' max_tokens=40
///   echo '{"id":7}' | fluxar call tcp://10.0.0.5:9000 users.get -
///   FLUXAR_URL=unix:///run/app.sock fluxar call users.list -o json | jq .
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    override_usage = "fluxar call [OPTIONS] [URL] TARGET [PARAMETERS]..."
)]
pub(crate) struct Args {
    /// Address (or FLUXAR_URL), target, and parameters
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// Open a stream, without trying a call first
    #[arg(long)]
    stream: bool,
    /// Time for the whole work
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    timeout: Option<Duration>,
    /// Form of the output [default: text on a terminal, json otherwise]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    #[command(flatten)]
    dial: Dial,
}

/// Calls.
///
/// # Errors
/// No connection, a wrong command line, or the peer's refusal.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let format = Format::or_fitting(args.output);
    let (way, mut words) = args.dial.way(args.words)?;
    if words.is_empty() {
        dial::expect_words(&words, 1, usize::MAX, "[URL] TARGET [PARAMETERS]")?;
    }
    let target = words.remove(0);
    let params = read_params(&words).await?;
    let mut interrupts = Interrupts::listen()?;
    let client = way.connect().await?;
    let job = Job { client: &client, target: &target, params: &params, timeout: args.timeout };
    let outcome = job.run(args.stream, format, &mut interrupts).await;
    client.close().await;
    outcome
}

struct Job<'a> {
    client: &'a Client,
    target: &'a str,
    params: &'a Option<Json>,
    timeout: Option<Duration>,
}

impl Job<'_> {
    async fn run(
        &self,
        stream: bool,
        format: Format,
        interrupts: &mut Interrupts,
    ) -> Result<(), Failure> {
        if stream {
            return self.stream(format, interrupts, None).await;
        }
        let answer = tokio::select! {
            answer = self.call() => answer,
            // Dropping the call cancels it at the peer.
            () = interrupts.next() => Err(Status::new(Code::Cancelled, "stopped by Ctrl-C")),
        };
        match answer {
            Ok(Json(value)) if format == Format::Text => print_text(&value),
            Ok(json) => terminal::data_line(json),
            // Nothing has run: what is not served as a call may be served as a stream.
            Err(status) if status.code() == Code::Unimplemented => {
                self.stream(format, interrupts, Some(&status)).await
            }
            Err(status) => Err(Failure::remote(self.target, &status)),
        }
    }

    async fn call(&self) -> Result<Json, Status> {
        let mut request = self.client.request(self.target, self.params);
        if let Some(timeout) = self.timeout {
            request = request.timeout(timeout);
        }
        request.send().await
    }

    /// Prints the items and the result. `refused` is what became of the call tried before.
    async fn stream(
        &self,
        format: Format,
        interrupts: &mut Interrupts,
        refused: Option<&Status>,
    ) -> Result<(), Failure> {
        let failed = |status: &Status| Failure::remote(self.target, status);
        let opened = self.client.stream(self.target, self.params);
        let mut stream: Streaming<Json, Json> = opened.map_err(|status| failed(&status))?;
        let printer = Printer { format };
        let deadline = units::after(self.timeout);
        tokio::pin!(deadline);
        let mut stopping = false;
        loop {
            let item = tokio::select! {
                item = stream.next() => item,
                () = interrupts.next() => {
                    if stopping {
                        return Err(failed(&Status::new(Code::Cancelled, "left without a result")));
                    }
                    stopping = true;
                    stream.cancel();
                    continue;
                }
                () = &mut deadline => {
                    let message = format!("no result within {:?}", self.timeout.unwrap_or_default());
                    return Err(failed(&Status::new(Code::DeadlineExceeded, message)));
                }
            };
            match item {
                Some(Ok(Json(value))) => printer.item(&value)?,
                Some(Err(status)) => {
                    terminal::end_line()?;
                    let twice = status.code() == Code::Unimplemented;
                    return Err(failed(refused.filter(|_| twice).unwrap_or(&status)));
                }
                None => break,
            }
        }
        terminal::end_line()?;
        let Json(result) = stream.finish().await.map_err(|status| failed(&status))?;
        printer.result(&result)
    }
}

/// Writes a stream's items so that texts run on.
struct Printer {
    format: Format,
}

impl Printer {
    fn item(&self, value: &Value) -> Result<(), Failure> {
        match (self.format, only_text(value)) {
            (Format::Text, Some(text)) => terminal::data(text),
            _ => {
                terminal::end_line()?;
                terminal::data_line(value)
            }
        }
    }

    fn result(&self, result: &Value) -> Result<(), Failure> {
        match (self.format, result) {
            (_, Value::Null) => Ok(()),
            (Format::Json, result) => terminal::data_line(serde_json::json!({ "$result": result })),
            (Format::Text, result) => {
                terminal::note("result", result);
                Ok(())
            }
        }
    }
}

/// A text, or an object that is only a text, such as a token.
fn only_text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Object(fields) if fields.len() == 1 => fields.values().next()?.as_str(),
        _ => None,
    }
}

fn print_text(value: &Value) -> Result<(), Failure> {
    match value {
        Value::String(text) => terminal::data_line(text),
        other => terminal::data_line(format_args!("{other:#}")),
    }
}

async fn read_params(words: &[String]) -> Result<Option<Json>, Failure> {
    let wrong = |cause: String| {
        let next = "give JSON such as '{\"id\":7}', @FILE, - or key=value pairs";
        Failure::usage(cause, next)
    };
    let text = match words {
        [word] if word == "-" => read_all(tokio::io::stdin()).await,
        [word] if word.starts_with('@') => match tokio::fs::File::open(&word[1..]).await {
            Ok(file) => read_all(file).await,
            Err(error) => Err(error),
        },
        _ => return json::from_words(words).map_err(wrong),
    };
    let text = text.map_err(|error| wrong(format!("cannot read the parameters: {error}")))?;
    let value = serde_json::from_str(&text);
    value.map(|value| Some(Json(value))).map_err(|error| wrong(format!("no JSON: {error}")))
}

async fn read_all(source: impl tokio::io::AsyncRead + Unpin) -> std::io::Result<String> {
    let mut text = String::new();
    source.take(INPUT_BYTES_MAX + 1).read_to_string(&mut text).await?;
    if text.len() as u64 > INPUT_BYTES_MAX {
        let message = format!("more than {INPUT_BYTES_MAX} bytes");
        return Err(std::io::Error::other(message));
    }
    Ok(text)
}

//! `fluxar call`: one call, or one stream, from the command line.

mod items;

use crate::contracts::{Contracts, Known, Typing};
use crate::dial::{self, Dial};
use crate::failure::{Exit, Failure, next_step};
use crate::json::{Json, Words};
use crate::terminal::{self, Format, Interrupts};
use crate::typed::{self, Types};
use crate::units;
use fluxar::payload::{Mismatch, decode, encode};
use fluxar::{Client, Code, Sink, Status, Streaming, Value};
use fluxar_codegen::model::TypeRef;
use serde_json::Value as JsonValue;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Bytes of parameters read from a file or from standard input.
const INPUT_BYTES_MAX: u64 = 16 << 20;

/// Call a method and print what it answers
///
/// The parameters are JSON, @FILE, - for standard input, or key=value pairs.
///
/// The peer is asked for its contract (or --idl names the files of one): parameters are then
/// checked before they are sent and travel as what they are. In JSON a uuid is text, a time is
/// RFC 3339, a duration is "250ms", bytes are base64, a member of an enum is its name, a variant
/// {"name": content}. Errors are shown by name, with their fields. What has no contract travels
/// as it is, with {"$bytes":"<base64>"} for a byte string, both ways; --untyped does that for all.
///
/// An answer is one JSON value. A stream prints one item a line as it comes, and its final result
/// as a last line {"$result": ...}; on a terminal (or with -o text) texts are printed as they are.
/// Without a contract and --stream the target is called, and streamed if the peer says that it is
/// a stream.
///
/// Items that the caller sends are lines of JSON in the file of --items.
///
/// Ctrl-C cancels the work at the peer, which may still send its result; a second one leaves.
///
/// Examples:
///   fluxar call ws://127.0.0.1:9000 llm.complete '{"prompt":"How do tides work?"}'
///   fluxar call ws://127.0.0.1:9000 llm.complete prompt='What is a swell?' max_tokens=40
///   echo '{"id":7}' | fluxar call tcp://10.0.0.5:9000 users.get - --idl idl/users.fluxar
///   fluxar call ws://127.0.0.1:9000 users.import dry_run=true --items users.jsonl
///   FLUXAR_URL=unix:///run/app.sock fluxar call users.list -o json | jq .
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    override_usage = "fluxar call [OPTIONS] [URL] TARGET [PARAMETERS]..."
)]
pub(crate) struct Args {
    /// Address (or FLUXAR_URL, or a context), target, and parameters
    #[arg(required = true, value_name = "WORDS")]
    pub(crate) words: Vec<String>,
    /// Open a stream, without trying a call first
    #[arg(long)]
    stream: bool,
    /// Items to send, JSON, one a line: a file, or - for standard input
    #[arg(long, value_name = "FILE")]
    items: Option<String>,
    #[command(flatten)]
    typing: Typing,
    /// Time for the whole work [default: that of the contract]
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    timeout: Option<Duration>,
    /// Form of the output [default: text on a terminal, json otherwise]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    #[command(flatten)]
    pub(crate) dial: Dial,
}

/// Calls.
///
/// # Errors
/// No connection, a wrong command line, or the peer's refusal.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let (way, mut words) = args.dial.way(args.words)?;
    if words.is_empty() {
        dial::expect_words(&words, 1, usize::MAX, "[URL] TARGET [PARAMETERS]")?;
    }
    let target = words.remove(0);
    if args.items.as_deref() == Some("-") && words.iter().any(|word| word == "-") {
        let next = "put the parameters on the command line, or into a @FILE";
        return Err(Failure::usage("standard input has either parameters or items", next));
    }
    let items = match &args.items {
        Some(name) => Some(items::open(name).await?),
        None => None,
    };
    let words = read_params(&words).await?;
    let mut interrupts = Interrupts::listen()?;
    let files = args.typing.load()?;
    let client = way.connect().await?;
    let outcome = async {
        let contracts = args.typing.contracts(files, &client).await;
        let timeout = args.timeout;
        let job = Job::new(&client, (&way.url(), &target), &words, contracts.as_ref(), timeout)?;
        if items.is_some() && job.known.is_some_and(|known| known.method.input().is_none()) {
            let next = format!("leave --items out: fluxar ls shows what {target} takes");
            return Err(Failure::usage(format_args!("{target} takes no items"), next));
        }
        let format = Format::or_fitting(args.output);
        match args.stream || items.is_some() || job.is_stream() {
            true => job.stream(format, &mut interrupts, (items, None)).await,
            false => job.run(format, &mut interrupts).await,
        }
    }
    .await;
    client.close().await;
    outcome
}

struct Job<'a> {
    client: &'a Client,
    target: &'a str,
    params: Option<Value>,
    timeout: Option<Duration>,
    contracts: Option<&'a Contracts>,
    /// The method, where the contract describes it.
    known: Option<Known<'a>>,
}

impl<'a> Job<'a> {
    fn new(
        client: &'a Client,
        (url, target): (&str, &'a str),
        words: &Words,
        contracts: Option<&'a Contracts>,
        timeout: Option<Duration>,
    ) -> Result<Self, Failure> {
        let found = contracts.and_then(|contracts| contracts.method(target));
        if let (None, Some(contracts)) = (found, contracts.filter(|of| of.is_of_files)) {
            let cause = format_args!("the contract files have no method `{target}`");
            return Err(Failure::usage(cause, no_target(contracts, target)));
        }
        let known = found.filter(|known| known.is_described());
        let written = match known {
            Some(known) => known.types().params(known.method, words),
            None => words.clone().untyped().map(|json| Value::of(&json)).transpose(),
        };
        let params = written.map_err(|mismatch| {
            let cause = format_args!("{target}: {mismatch}");
            let next = match known {
                Some(_) => format!("fluxar describe {url} {target} shows what it takes"),
                None => "correct the parameters".to_owned(),
            };
            Failure::new(Exit::Failed, Code::InvalidArgument.name(), cause, next)
        })?;
        let timeout = timeout.or_else(|| known?.method.timeout);
        Ok(Self { client, target, params, timeout, contracts, known })
    }

    fn is_stream(&self) -> bool {
        let method = self.known.map(|known| known.method);
        method.is_some_and(|method| method.items().is_some() || method.input().is_some())
    }

    /// Calls, and streams when the peer says that it is a stream.
    async fn run(&self, format: Format, interrupts: &mut Interrupts) -> Result<(), Failure> {
        let answer = tokio::select! {
            answer = self.call() => answer,
            // Dropping the call cancels it at the peer.
            () = interrupts.next() => Err(Status::new(Code::Cancelled, "stopped by Ctrl-C")),
        };
        match answer {
            Ok(value) => {
                let json = self.shown(self.known.and_then(|known| known.method.result()), &value);
                match format {
                    Format::Text => print_text(&json),
                    Format::Json => terminal::data_line(json),
                }
            }
            // Nothing has run: what is not served as a call may be served as a stream.
            Err(status) if status.code() == Code::Unimplemented => {
                self.stream(format, interrupts, (None, Some(&status))).await
            }
            Err(status) => Err(self.failed(&status)),
        }
    }

    async fn call(&self) -> Result<Value, Status> {
        let mut request = self.client.request(self.target, &self.params);
        if let Some(timeout) = self.timeout {
            request = request.timeout(timeout);
        }
        request.send().await
    }

    /// Sends the items, if there are any, and prints what comes. `refused` is what became of the
    /// call tried before.
    async fn stream(
        &self,
        format: Format,
        interrupts: &mut Interrupts,
        (items, refused): (Option<items::Source>, Option<&Status>),
    ) -> Result<(), Failure> {
        let failed = |status: Status| self.failed(&status);
        let Some(items) = items else {
            let stream = self.client.stream(self.target, &self.params).map_err(failed)?;
            return self.receive(stream, format, (interrupts, refused)).await;
        };
        let opened: Result<(Sink<Value>, Streaming<Value, Value>), Status> =
            self.client.open(self.target, &self.params);
        let (sink, stream) = opened.map_err(failed)?;
        tokio::select! {
            outcome = self.receive(stream, format, (interrupts, refused)) => outcome,
            failure = self.send(sink, items) => {
                terminal::end_line()?;
                Err(failure)
            }
        }
    }

    /// Prints the items and the result.
    async fn receive(
        &self,
        mut stream: Streaming<Value, Value>,
        format: Format,
        (interrupts, refused): (&mut Interrupts, Option<&Status>),
    ) -> Result<(), Failure> {
        let printer = Printer { format };
        let item_type = self.known.and_then(|known| known.method.items());
        let deadline = units::after(self.timeout);
        tokio::pin!(deadline);
        let mut stopping = false;
        loop {
            let item = tokio::select! {
                item = stream.next() => item,
                () = interrupts.next() => {
                    if stopping {
                        let status = Status::new(Code::Cancelled, "left without a result");
                        return Err(self.failed(&status));
                    }
                    stopping = true;
                    stream.cancel();
                    continue;
                }
                () = &mut deadline => {
                    let message = format!("no result within {:?}", self.timeout.unwrap_or_default());
                    return Err(self.failed(&Status::new(Code::DeadlineExceeded, message)));
                }
            };
            match item {
                Some(Ok(value)) => printer.item(&self.shown(item_type, &value))?,
                Some(Err(status)) => {
                    terminal::end_line()?;
                    let twice = status.code() == Code::Unimplemented;
                    return Err(self.failed(refused.filter(|_| twice).unwrap_or(&status)));
                }
                None => break,
            }
        }
        terminal::end_line()?;
        let result = stream.finish().await.map_err(|status| self.failed(&status))?;
        match result {
            Value::Null => Ok(()),
            result => {
                let ty = self.known.and_then(|known| known.method.result());
                printer.result(&self.shown(ty, &result))
            }
        }
    }

    /// What the peer sent as JSON: by its type, where there is one and it fits.
    fn shown(&self, ty: Option<&TypeRef>, value: &Value) -> JsonValue {
        if let (Some(known), Some(ty)) = (self.known, ty) {
            match known.types().read(ty, value) {
                Ok(json) => return json,
                Err(mismatch) => {
                    let text = "the peer sent something else than its contract says";
                    terminal::note("contract", format_args!("{text}: {mismatch}"));
                }
            }
        }
        as_it_is(value)
    }

    fn failed(&self, status: &Status) -> Failure {
        let next = match (status.code(), self.contracts) {
            (Code::Unimplemented, Some(contracts)) if contracts.method(self.target).is_none() => {
                no_target(contracts, self.target)
            }
            _ => next_step(status),
        };
        Failure::remote_with(self.target, status, self.error(status).as_deref(), next)
    }

    /// The peer's own error: its name and, where it came with any, its content.
    fn error(&self, status: &Status) -> Option<String> {
        let name = status.type_name()?;
        let Some(bytes) = status.details() else { return Some(name.to_owned()) };
        let Ok(value) = decode::<Value>(bytes) else { return Some(name.to_owned()) };
        let typed = self.contracts.and_then(|contracts| contracts.error_named(name));
        let typed = typed.and_then(|(model, ty)| Types::new(model).read(&ty, &value).ok());
        Some(format!("{name} {}", typed.unwrap_or_else(|| as_it_is(&value))))
    }
}

fn no_target(contracts: &Contracts, target: &str) -> String {
    let targets: Vec<String> = contracts.methods().map(Known::target).collect();
    let hint = typed::did_you_mean(target, targets.iter().map(String::as_str));
    format!("check the name of the target{hint}")
}

/// JSON of a value whose type is not known; what JSON has no words for, as bytes.
pub(crate) fn as_it_is(value: &Value) -> JsonValue {
    typed::untyped(value).unwrap_or_else(|_: Mismatch| {
        let bytes = encode(value).unwrap_or_default();
        Json::of_bytes(&bytes).0
    })
}

/// Writes a stream's items so that texts run on.
struct Printer {
    format: Format,
}

impl Printer {
    fn item(&self, value: &JsonValue) -> Result<(), Failure> {
        match (self.format, only_text(value)) {
            (Format::Text, Some(text)) => terminal::data(text),
            _ => {
                terminal::end_line()?;
                terminal::data_line(value)
            }
        }
    }

    fn result(&self, result: &JsonValue) -> Result<(), Failure> {
        match self.format {
            Format::Json => terminal::data_line(serde_json::json!({ "$result": result })),
            Format::Text => {
                terminal::note("result", result);
                Ok(())
            }
        }
    }
}

/// A text, or an object that is only a text, such as a token.
fn only_text(value: &JsonValue) -> Option<&str> {
    match value {
        JsonValue::String(text) => Some(text),
        JsonValue::Object(fields) if fields.len() == 1 => fields.values().next()?.as_str(),
        _ => None,
    }
}

fn print_text(value: &JsonValue) -> Result<(), Failure> {
    match value {
        JsonValue::String(text) => terminal::data_line(text),
        other => terminal::data_line(format_args!("{other:#}")),
    }
}

async fn read_params(words: &[String]) -> Result<Words, Failure> {
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
        _ => return Words::of(words).map_err(wrong),
    };
    let text = text.map_err(|error| wrong(format!("cannot read the parameters: {error}")))?;
    let value = serde_json::from_str(&text);
    value.map(Words::Json).map_err(|error| wrong(format!("no JSON: {error}")))
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

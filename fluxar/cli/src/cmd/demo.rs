//! `fluxar demo`: everything at once, in one process, over a real link.

mod cutter;
mod keys;
mod resume;

use crate::dial::connect_code;
use crate::failure::Failure;
use crate::llm::endpoint::Endpoint;
use crate::llm::service::{
    Approval, Approvals, ApprovalsServer, LlmClient, LlmServer, Summary, Token,
};
use crate::llm::source::{Source, SourceArgs};
use crate::node;
use crate::terminal::{self, Interrupts};
use crate::units;
use fluxar::{Client, ConnectError, Events, Server, Status, Streaming};
use serde::{Deserialize, Serialize};
use std::io::IsTerminal;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::time::Instant;

/// The topic on which the client says that it is done.
const DONE_TOPIC: &str = "demo.llm.done";
/// Bytes of a prompt from standard input.
const PROMPT_BYTES_MAX: u64 = 64 << 10;
const PROMPT: &str = "What happens when a message is lost at sea?";
/// How long the published event may take to its subscriber in this process.
const EVENT_TIMEOUT: Duration = Duration::from_secs(5);

/// See fluxar work, in one command
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    demo: Demo,
}

#[derive(Debug, clap::Subcommand)]
enum Demo {
    Llm(LlmArgs),
    Resume(resume::ResumeArgs),
}

/// Stream an answer from a language model, while the two sides call each other
///
/// One process, two peers, and a TCP link between them. The server streams tokens from a model;
/// in the middle of the answer it calls the client back to ask whether it may go on; at the end
/// the client publishes to a topic, and a second client prints the event.
///
/// The answer goes to stdout, the rest to stderr. Ctrl-C stops the model, and the summary says so.
/// The model is a small one in this process, unless OPENAI_BASE_URL (and OPENAI_API_KEY) name an
/// OpenAI-compatible endpoint. Without a terminal the question is answered with yes.
///
/// Examples:
///   fluxar demo llm
///   fluxar demo llm --prompt 'How is bread made?' --seed 7
///   echo 'What is a swell?' | fluxar demo llm > answer.txt
///   OPENAI_BASE_URL=https://api.openai.com/v1 fluxar demo llm --model gpt-4o-mini
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct LlmArgs {
    /// What to ask [default: standard input when it is piped, or a question about the sea]
    #[arg(long)]
    prompt: Option<String>,
    /// Tokens at most
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// Makes the model in this process say the same again, or something else
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    source: SourceArgs,
}

/// Runs a demo.
///
/// # Errors
/// The model cannot be had, or a part of the demo fails.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    match args.demo {
        Demo::Llm(args) => llm(args).await,
        Demo::Resume(args) => resume::resume(args).await,
    }
}

async fn llm(args: LlmArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let prompt = prompt(args.prompt.clone()).await?;
    let source = Source::start(&args.source).await?;
    let Source { upstream, local, about } = source;
    terminal::note("model", about);

    let server = Server::bind("tcp://127.0.0.1:0").name("demo-server").build().await;
    let server = server.map_err(|error| Failure::local(error, "check the loopback interface"))?;
    server.serve(LlmServer::new(upstream));
    node::spawn(&server);
    let url = node::announce("server", &server).unwrap_or_default();
    // The client serves as well: the server will call it back over the same link.
    let client = Client::connect(url.as_str()).name("demo-client").no_reconnect();
    let client = client.serve(ApprovalsServer::new(Asker)).build().await;
    let client = client.map_err(|error| no_session(&url, &error))?;
    let watcher = Client::connect(url.as_str()).name("demo-watcher").no_reconnect().build().await;
    let watcher = watcher.map_err(|error| no_session(&url, &error))?;
    let mut events = watcher.events(DONE_TOPIC).await.map_err(|status| failed("sub", &status))?;

    terminal::note("client", format_args!("asks: {prompt}"));
    let request = LlmClient::new(&client).complete(
        prompt,
        args.source.model(),
        args.max_tokens,
        args.seed,
        Some(true),
    );
    let stream = request.open().map_err(|status| failed("llm.complete", &status))?;
    let told = tell(stream, &mut interrupts, local.as_ref()).await?;
    report(&told);

    client
        .publish(DONE_TOPIC, &Done::from(&told))
        .await
        .map_err(|status| failed("pub", &status))?;
    print_event(&mut events).await?;
    client.close().await;
    watcher.close().await;
    server.shutdown().await;
    Ok(())
}

/// What the client publishes at the end.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    finish_reason: String,
    tokens: u32,
    milliseconds: u64,
}

impl From<&Told> for Done {
    fn from(told: &Told) -> Self {
        Self {
            finish_reason: told.summary.finish_reason.clone(),
            tokens: told.summary.completion_tokens,
            milliseconds: u64::try_from(told.total.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// The client's side of the question in the middle.
struct Asker;

impl Approvals for Asker {
    async fn approve(&self, action: String) -> Approval {
        // The words are a model's: nothing in them may move the cursor.
        let action: String = action.chars().filter(|letter| !letter.is_control()).collect();
        if !terminal::can_ask() {
            terminal::note(
                "server asks",
                format_args!("may the model {action}? yes (no terminal)"),
            );
            return Approval { approved: true };
        }
        terminal::note("server asks", format_args!("may the model {action}? [y/N]"));
        let mut line = String::new();
        let mut stdin = BufReader::new(tokio::io::stdin()).take(PROMPT_BYTES_MAX);
        // Whatever is no clear yes is a no, a closed terminal too.
        let _ = stdin.read_line(&mut line).await;
        Approval { approved: matches!(line.trim(), "y" | "Y" | "yes") }
    }
}

/// How the answer went.
struct Told {
    summary: Summary,
    first_token: Option<Duration>,
    total: Duration,
    /// From Ctrl-C to the summary, and to the model's silence if the model is in here.
    stopped: Option<(Duration, Option<Duration>)>,
}

/// Prints tokens as they come. The first Ctrl-C cancels and waits for the summary, the second one
/// leaves.
async fn tell(
    mut stream: Streaming<Token, Summary, Status>,
    interrupts: &mut Interrupts,
    local: Option<&Endpoint>,
) -> Result<Told, Failure> {
    let start = Instant::now();
    let mut first_token = None;
    let mut stopped_at: Option<Instant> = None;
    loop {
        let token = tokio::select! {
            token = stream.next() => token,
            () = interrupts.next() => {
                if stopped_at.is_some() {
                    let next = "wait for the summary after one Ctrl-C";
                    return Err(Failure::local("left in the middle of the answer", next));
                }
                stopped_at = Some(Instant::now());
                stream.cancel();
                continue;
            }
        };
        match token {
            Some(Ok(Token { text })) => {
                first_token.get_or_insert_with(|| start.elapsed());
                terminal::data(text)?;
            }
            Some(Err(status)) => {
                terminal::end_line()?;
                return Err(failed("llm.complete", &status));
            }
            None => break,
        }
    }
    let summary = stream.finish().await.map_err(|status| failed("llm.complete", &status))?;
    let total = start.elapsed();
    terminal::end_line()?;
    let stopped = match stopped_at {
        Some(at) => Some((at.elapsed(), silence(local, at).await)),
        None => None,
    };
    Ok(Told { summary, first_token, total, stopped })
}

/// Waits until the model in this process says nothing more.
async fn silence(local: Option<&Endpoint>, since: Instant) -> Option<Duration> {
    local?.silence().await;
    Some(since.elapsed())
}

fn report(told: &Told) {
    let Summary { model, prompt_tokens, completion_tokens, finish_reason } = &told.summary;
    let prompt = prompt_tokens.map_or("unknown".to_owned(), |tokens| tokens.to_string());
    let first = told.first_token.map_or_else(|| "none".to_owned(), units::show);
    let rate = f64::from(*completion_tokens) / told.total.as_secs_f64().max(f64::MIN_POSITIVE);
    terminal::note(
        "summary",
        format_args!(
            "finish_reason={finish_reason} prompt_tokens={prompt} completion_tokens={completion_tokens} \
         model={model}"
        ),
    );
    let total = units::show(told.total);
    terminal::note(
        "client",
        format_args!("first token after {first}, all in {total}, {rate:.1} tokens/s"),
    );
    if let Some((summary, silence)) = told.stopped {
        let model = silence.map_or(String::new(), |after| {
            format!(", the model was silent after {}", units::show(after))
        });
        let summary = units::show(summary);
        terminal::note("client", format_args!("Ctrl-C: the summary came after {summary}{model}"));
    }
}

async fn print_event(events: &mut Events) -> Result<(), Failure> {
    let event = tokio::time::timeout(EVENT_TIMEOUT, events.next()).await;
    let Ok(Some(event)) = event else {
        let next = "report this as a bug: both ends are in this process";
        return Err(Failure::local("the published event never came", next));
    };
    let done: Done = event.payload().map_err(|status| failed(event.topic(), &status))?;
    let Done { finish_reason, tokens, milliseconds } = done;
    terminal::note(
        "watcher",
        format_args!("{}: {tokens} tokens in {milliseconds} ms, {finish_reason}", event.topic()),
    );
    Ok(())
}

fn no_session(url: &str, error: &ConnectError) -> Failure {
    Failure::connection(url, connect_code(error), error)
}

fn failed(what: &str, status: &Status) -> Failure {
    Failure::remote(what, status)
}

/// The question: from the command line, from a pipe, or one that the model can answer.
async fn prompt(given: Option<String>) -> Result<String, Failure> {
    let mut prompt = given.unwrap_or_default();
    if prompt.is_empty() && !std::io::stdin().is_terminal() {
        let read = tokio::io::stdin().take(PROMPT_BYTES_MAX).read_to_string(&mut prompt).await;
        read.map_err(|error| {
            let next = "pipe UTF-8 text in, or use --prompt";
            Failure::usage(format_args!("cannot read the prompt: {error}"), next)
        })?;
    }
    let prompt = prompt.trim();
    Ok(if prompt.is_empty() { PROMPT } else { prompt }.to_owned())
}

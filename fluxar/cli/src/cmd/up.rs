//! `fluxar up`: a peer that serves the demo until it is stopped.

use crate::cmd::bench::targets;
use crate::config::Loaded;
use crate::failure::Failure;
use crate::llm::service::{Chat, LlmServer};
use crate::llm::source::{Source, SourceArgs};
use crate::node::{self, Access};
use crate::terminal::{self, Interrupts};
use fluxar::service::describe::Described;
use std::path::PathBuf;

/// Where it listens when nothing else is said.
const LISTEN: &str = "ws://127.0.0.1:9000";

/// Serve llm.complete, topics and the bench targets until stopped
///
/// The model is the one of OPENAI_BASE_URL (key in OPENAI_API_KEY), or a small one in this process.
/// Topics work as well: see fluxar pub and fluxar sub.
///
/// A file of -c says all that the options do, and more: rights per token, key and certificate,
/// JSON Web Tokens, limits. examples/fluxar.toml shows every key. --listen takes the place of its
/// addresses; its paths are seen from where it is.
///
/// Ctrl-C drains: what is under way may finish for five seconds. A second one leaves.
///
/// Examples:
///   fluxar up
///   fluxar up --listen tcp://127.0.0.1:0 --listen unix:///tmp/fluxar/demo.sock
///   FLUXAR_TOKEN=s3cret fluxar up --listen ws://0.0.0.0:9000
///   fluxar up -c fluxar.toml --check
///   OPENAI_BASE_URL=http://127.0.0.1:11434/v1 fluxar up --model llama3.2
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// File that says where to listen, for whom and how
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only say whether the file of -c can be carried out
    #[arg(long, requires = "config")]
    check: bool,
    /// Address to listen on, may be repeated; port 0 takes a free one [default: ws://127.0.0.1:9000]
    #[arg(long, value_name = "URL")]
    listen: Vec<String>,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    source: SourceArgs,
}

/// Serves.
///
/// # Errors
/// An address that cannot be bound, a model that cannot be had, or a file that makes no sense.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let file = args.config.as_deref().map(Loaded::read).transpose()?;
    if file.is_some() && args.access.is_given() {
        let next = "say it in the file; only --listen and the model's options go beside -c \
                    (FLUXAR_TOKEN is one of the others)";
        return Err(Failure::usage("the file of -c says for whom to listen", next));
    }
    let mut listen = args.listen.clone();
    if listen.is_empty() && file.as_ref().is_none_or(|file| !file.listens()) {
        listen.push(LISTEN.to_owned());
    }
    let settings = match &file {
        Some(file) => file.settings("fluxar-up", &listen)?,
        None => args.access.settings("fluxar-up", &listen)?,
    };
    if args.check {
        terminal::note("up", format_args!("the file is fine: {}", settings.about()));
        return Ok(());
    }
    // Of the others only the caller knows which one is his.
    let credential = match (args.access.asks_for_token(), settings.guard.is_some()) {
        (true, _) => " --auth bearer:TOKEN",
        (false, true) => " (with --auth, --cert or --seal-key)",
        (false, false) => "",
    };
    let source = match &file {
        Some(file) => args.source.or(file.model()),
        None => args.source,
    };
    let source = Source::start(&source).await?;
    let server = settings.bind().await?;
    server.serve(LlmServer::new(source.upstream));
    server.describe(<Chat as Described>::describe);
    targets::serve(&server);
    terminal::note("up", format_args!("serving llm.complete ({})", source.about));
    if let Some(url) = node::announce("up", &server) {
        let call =
            format_args!("fluxar call {url} llm.complete prompt='How do tides work?'{credential}");
        terminal::note("up", format_args!("try: {call}"));
    }
    node::run("up", &server, &mut interrupts).await;
    Ok(())
}

//! `fluxar up`: a peer that serves the demo until it is stopped.

use crate::cmd::bench::targets;
use crate::failure::Failure;
use crate::llm::service::LlmServer;
use crate::llm::source::{Source, SourceArgs};
use crate::node::{self, Access};
use crate::terminal::{self, Interrupts};

/// Serve llm.complete, topics and the bench targets until stopped
///
/// The model is the one of OPENAI_BASE_URL (key in OPENAI_API_KEY), or a small one in this process.
/// Topics work as well: see fluxar pub and fluxar sub.
///
/// Ctrl-C drains: what is under way may finish for five seconds. A second one leaves.
///
/// Examples:
///   fluxar up
///   fluxar up --listen tcp://127.0.0.1:0 --listen unix:///tmp/fluxar/demo.sock
///   FLUXAR_TOKEN=s3cret fluxar up --listen ws://0.0.0.0:9000
///   OPENAI_BASE_URL=http://127.0.0.1:11434/v1 fluxar up --model llama3.2
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Address to listen on, may be repeated; port 0 takes a free one
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9000")]
    listen: Vec<String>,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    source: SourceArgs,
}

/// Serves.
///
/// # Errors
/// An address that cannot be bound, or a model that cannot be had.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let source = Source::start(&args.source).await?;
    let server = args.access.bind("fluxar-up", &args.listen).await?;
    server.serve(LlmServer::new(source.upstream));
    targets::serve(&server);
    terminal::note("up", format_args!("serving llm.complete ({})", source.about));
    if let Some(url) = node::announce("up", &server) {
        let call = format_args!("fluxar call {url} llm.complete prompt='How do tides work?'");
        terminal::note("up", format_args!("try: {call}"));
    }
    node::run("up", &server, &mut interrupts).await;
    Ok(())
}

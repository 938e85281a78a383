//! `fluxar bench`: how fast a peer answers, streams and carries topics.

mod load;
mod publish;
mod report;
mod rpc;
mod stream;
pub(crate) mod targets;

use crate::dial::{self, Dial};
use crate::failure::{Exit, Failure};
use crate::terminal::{self, Format, Interrupts};
use crate::units;
use fluxar::Client;
use indicatif::ProgressBar;
use load::{Load, Sheet};
use report::Report;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Measure calls, streams or topics
///
/// Without a URL, a node in this process is measured over a TCP link. A URL must be of a peer that
/// serves the bench targets, such as fluxar up; topics work with any fluxar serve.
///
/// Each client has a connection of its own. Without --rate each one keeps --window messages in
/// flight (calls: one), and latency includes the time in that queue. With --rate, messages start
/// on schedule however slow the answers are, and latency counts from the scheduled moment: a
/// stall shows in full.
///
/// Examples:
///   fluxar bench rpc
///   fluxar bench rpc ws://127.0.0.1:9000 --clients 64 --duration 10s --json
///   fluxar bench stream --size 1k --rate 5k/s
///   fluxar bench pub --msgs 100k --expect-p99 5ms --csv results.csv
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// What to measure
    #[arg(value_enum)]
    pattern: Pattern,
    /// Peer to measure (or that of FLUXAR_URL or a context) [default: one in this process]
    #[arg(value_name = "URL")]
    words: Vec<String>,
    /// Connections at work
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u16).range(1..=1024))]
    clients: u16,
    /// Messages to measure, over all clients [default: as many as the duration allows]
    #[arg(long, value_name = "N", value_parser = units::count)]
    msgs: Option<u64>,
    /// Time to measure; with --msgs, the time at most
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    duration: Option<Duration>,
    /// Bytes of a message, 16 at least
    #[arg(long, value_name = "SIZE", default_value = "32", value_parser = units::size)]
    size: usize,
    /// Messages a second over all clients, on schedule
    #[arg(long, value_name = "RATE", value_parser = units::rate)]
    rate: Option<f64>,
    /// Messages in flight for each client without --rate (streams and topics)
    #[arg(long, value_name = "N", default_value = "64", value_parser = clap::value_parser!(u32).range(1..=65536))]
    window: u32,
    /// Time that is not measured
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = units::duration)]
    warm_up: Duration,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Append the report to a CSV file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Fail (exit code 1) when the 99th percentile is above this
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    expect_p99: Option<Duration>,
    #[command(flatten)]
    dial: Dial,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Pattern {
    /// Calls that are answered with what they bring
    Rpc,
    /// Items of streams that come back one by one
    Stream,
    /// Events from a publisher to a subscriber, through the peer
    Pub,
}

impl Pattern {
    fn name(self) -> &'static str {
        match self {
            Self::Rpc => "rpc",
            Self::Stream => "stream",
            Self::Pub => "pub",
        }
    }
}

/// Measures.
///
/// # Errors
/// No connection, a peer without the bench targets, or a result worse than expected.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let (way, words) = args.dial.way_if_any(args.words.clone())?;
    dial::expect_words(&words, 0, 0, "PATTERN [URL]")?;
    let (server, way) = match way {
        Some(way) => (None, way),
        None => {
            let (server, url) = targets::start().await?;
            (Some(server), args.dial.way_to(&url)?)
        }
    };
    let load = Load::new(&args);
    let mut clients = Vec::new();
    for _ in 0..args.clients {
        clients.push(way.connect().await?);
    }
    terminal::note(
        "bench",
        format_args!(
            "{} at {}: {} clients, {} B, warm-up {:?}",
            args.pattern.name(),
            way.url(),
            args.clients,
            load.size,
            load.warm_up
        ),
    );
    let sheet = tokio::select! {
        sheet = measure(&args, &load, &clients) => sheet?,
        () = interrupts.next() => {
            return Err(Failure::local("stopped by Ctrl-C", "let it run to the end for a report"));
        }
    };
    for client in clients {
        client.close().await;
    }
    drop(server);
    let report = Report::new(args.pattern.name(), &load, &sheet);
    print(&args, &report)?;
    judge(&args, &report)
}

async fn measure(args: &Args, load: &Arc<Load>, clients: &[Client]) -> Result<Sheet, Failure> {
    let progress = ProgressBar::new_spinner();
    progress.enable_steady_tick(Duration::from_millis(100));
    progress.set_message(format!("measuring {}", args.pattern.name()));
    let mut tasks = tokio::task::JoinSet::new();
    for (index, client) in clients.iter().enumerate() {
        let (load, client) = (Arc::clone(load), client.clone());
        match args.pattern {
            Pattern::Rpc => tasks.spawn(rpc::work(client, load, index)),
            Pattern::Stream => tasks.spawn(stream::work(client, load, index)),
            Pattern::Pub => tasks.spawn(publish::work(client, load, index)),
        };
    }
    let mut sheet = Sheet::new();
    while let Some(done) = tasks.join_next().await {
        let part = done.map_err(|error| Failure::local(error, "report this as a bug"))?;
        sheet.add(&part.map_err(|status| explain(args, &status))?);
    }
    progress.finish_and_clear();
    Ok(sheet)
}

fn explain(args: &Args, status: &fluxar::Status) -> Failure {
    if status.code() == fluxar::Code::Unimplemented {
        let cause = format_args!("the peer does not serve the bench targets: {}", status.message());
        let next = "start one that does with fluxar up, or leave out the URL";
        return Failure::new(Exit::of(status), status.code().name(), cause, next);
    }
    Failure::remote(args.pattern.name(), status)
}

fn print(args: &Args, report: &Report) -> Result<(), Failure> {
    let format = if args.json { Format::Json } else { Format::or_fitting(None) };
    if let Some(path) = &args.csv {
        report.append_csv(path).map_err(|error| {
            let cause = format_args!("cannot write {}: {error}", path.display());
            Failure::local(cause, "choose another file with --csv")
        })?;
    }
    match format {
        Format::Json => terminal::data_line(report.json()),
        Format::Text => terminal::data(report),
    }
}

fn judge(args: &Args, report: &Report) -> Result<(), Failure> {
    if report.messages() == 0 {
        return Err(Failure::local("nothing was measured", "allow more time with --duration"));
    }
    match args.expect_p99 {
        Some(expected) if report.p99() > expected => Err(Failure::new(
            Exit::Failed,
            "too_slow",
            format_args!(
                "p99 is {}, expected at most {}",
                units::show(report.p99()),
                units::show(expected)
            ),
            "look at the machine's load, or expect less",
        )),
        _ => Ok(()),
    }
}

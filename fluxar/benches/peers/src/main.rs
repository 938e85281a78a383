//! fluxar beside tarpc, tonic, NATS and a raw framed echo.
//!
//! The binary plays three parts. Without `--serve` or `--drive` it compares: it starts itself once
//! as server and once as driver for every subject, round and cell, reads the driver's figures, and
//! writes one table. Server and driver are processes of their own, so that nothing of one cell
//! (allocator, timers, tasks left over) reaches the next, and a cell that hangs is simply ended.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

mod cell;
mod certs;
mod compare;
mod drive;
mod floor;
mod machine;
mod measure;
mod peers;
mod process;
mod report;
mod serve;
mod session;

use cell::{Cell, Family, Subject, Threads};

/// Measures fluxar beside tarpc, tonic, NATS and a raw framed echo, interleaved.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// Two short rounds: tells whether everything runs, not how fast.
    #[arg(long)]
    quick: bool,
    /// What sessions that survive, or that nobody reads, cost beside plain ones.
    #[arg(long)]
    sessions: bool,
    /// Only these families.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Family>,
    /// Only these subjects.
    #[arg(long, value_enum, value_delimiter = ',')]
    subjects: Vec<Subject>,
    /// Only these runtimes.
    #[arg(long, value_enum, value_delimiter = ',')]
    runtimes: Vec<Threads>,
    /// Rounds; the table shows their medians.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,
    /// Length of one measurement.
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// Size of the upload in MiB.
    #[arg(long, default_value_t = 1024)]
    upload_mib: u32,
    /// Repeats a round up to this often while other processes are busy, and keeps the quietest.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=99))]
    patience: u32,
    /// Writes the table to this file as well.
    #[arg(long)]
    markdown: Option<PathBuf>,

    /// Internal: serve this subject and print the port.
    #[arg(long, value_enum, hide = true)]
    serve: Option<Subject>,
    /// Internal: worker threads of the server; 1 is a current-thread runtime.
    #[arg(long, default_value_t = 1, hide = true)]
    threads: usize,
    /// Internal: drive this subject.
    #[arg(long, value_enum, hide = true, requires_all = ["cell", "server"])]
    drive: Option<Subject>,
    /// Internal: the cell to drive.
    #[arg(long, hide = true)]
    cell: Option<Cell>,
    /// Internal: the server's address.
    #[arg(long, hide = true)]
    server: Option<SocketAddr>,
    /// Internal: the server's process, for its processor time.
    #[arg(long, hide = true)]
    server_process: Option<u32>,
    /// Internal: the directory of certificates.
    #[arg(long, hide = true)]
    certs: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed standard error leaves nowhere to complain.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Plays the part that the flags ask for.
fn run(args: &Args) -> Result<()> {
    match (args.serve, args.drive, args.cell, args.server) {
        (Some(subject), ..) => serve::run(subject, args),
        (_, Some(subject), Some(cell), Some(server)) => drive::run(subject, cell, server, args),
        _ => compare::run(args),
    }
}

/// The runtime of one side.
pub(crate) fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    match threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
        _ => {
            tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
        }
    }
}

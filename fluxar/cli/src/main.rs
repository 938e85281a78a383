//! The command `fluxar`: serve, call, publish, subscribe, measure, and see it all in one demo.
//!
//! Data goes to stdout, talk to stderr. Exit codes: 0 done, 1 failed here, 2 wrong
//! command line, 3 refused by the peer, 4 too late, 5 no connection.

mod cmd;
mod compress;
mod config;
mod context;
mod contracts;
mod credential;
mod dial;
mod failure;
mod files;
mod forms;
mod hex;
mod json;
mod llm;
mod node;
mod profile;
mod rights;
mod seal;
mod secret;
mod suggest;
mod template;
mod terminal;
mod typed;
mod units;

use clap::Parser;
use std::process::ExitCode;

/// Calls, streams and topics over one connection, between equals.
#[derive(Debug, Parser)]
#[command(name = "fluxar", version, arg_required_else_help = true, after_help = HELP)]
pub(crate) struct Command {
    #[command(subcommand)]
    verb: cmd::Verb,
}

const HELP: &str = "\
Examples:
  fluxar demo llm                                        see it work, in one command
  fluxar up                                              serve the same on ws://127.0.0.1:9000
  fluxar ls   ws://127.0.0.1:9000                        what does it offer?
  fluxar call ws://127.0.0.1:9000 llm.complete prompt='How do tides work?'
  fluxar sub  ws://127.0.0.1:9000 'sensors.*.temp'
  fluxar pub  ws://127.0.0.1:9000 sensors.1.temp '{\"t\":{{rand 18 25}}}' --count 10 --rate 2

A context (fluxar ctx) or FLUXAR_URL stands in for the URL, FLUXAR_AUTH for --auth. NO_COLOR turns colours off.
Exit codes: 0 done, 1 failed here, 2 wrong command line, 3 refused by the peer, 4 not in time, 5 no connection.";

fn main() -> ExitCode {
    let command = Command::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::talk(format_args!("error[local]: cannot start threads: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(command.verb.run());
    // A thread that still reads the terminal cannot be stopped: leave it behind.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if matches!(failure, failure::Failure::Told(_)) {
                terminal::talk(&failure);
            }
            failure.exit_code()
        }
    }
}

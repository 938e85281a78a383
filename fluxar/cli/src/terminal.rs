//! Data to stdout, talk to stderr, and the person at Ctrl-C.

use crate::failure::Failure;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Data stands in the middle of a line, which talk must not run into when both are seen together.
static MID_LINE: AtomicBool = AtomicBool::new(false);

/// Whether data is written for a program or for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// One JSON value, or one a line when there are many.
    Json,
    /// For reading.
    Text,
}

impl Format {
    /// What was asked for, or what fits: text on a terminal, JSON into a pipe or a file.
    pub(crate) fn or_fitting(choice: Option<Self>) -> Self {
        choice.unwrap_or_else(|| if io::stdout().is_terminal() { Self::Text } else { Self::Json })
    }
}

/// Writes data as it is and flushes it, so that a reader sees it at once.
///
/// # Errors
/// [`Failure::BrokenPipe`] when the reader has gone.
pub(crate) fn data(text: impl fmt::Display) -> Result<(), Failure> {
    let text = text.to_string();
    if text.is_empty() {
        return Ok(());
    }
    MID_LINE.store(!text.ends_with('\n'), Ordering::Relaxed);
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::BrokenPipe,
        _ => Failure::local(
            format_args!("cannot write to standard output: {error}"),
            "look at where the output goes",
        ),
    })
}

/// Writes data as a line.
///
/// # Errors
/// As [`data`].
pub(crate) fn data_line(text: impl fmt::Display) -> Result<(), Failure> {
    data(format_args!("{text}\n"))
}

/// Ends the line that data stands in, if it does.
///
/// # Errors
/// As [`data`].
pub(crate) fn end_line() -> Result<(), Failure> {
    if MID_LINE.load(Ordering::Relaxed) { data("\n") } else { Ok(()) }
}

/// Says something to the person. Nobody listening is no failure.
pub(crate) fn talk(text: impl fmt::Display) {
    let both_seen = io::stdout().is_terminal() && io::stderr().is_terminal();
    if both_seen && MID_LINE.swap(false, Ordering::Relaxed) {
        let _ = writeln!(io::stderr().lock());
    }
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Talk in the margin: who says it, dimmed unless NO_COLOR is set or stderr is no terminal.
pub(crate) fn note(who: &str, text: impl fmt::Display) {
    let who = console::style(format!("[{who}]")).for_stderr().dim();
    talk(format_args!("{who} {text}"));
}

/// True when a person can be asked something.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The wish to stop: Ctrl-C, or SIGTERM from a supervisor. Made before the work starts, so that
/// none is missed.
#[derive(Debug)]
pub(crate) struct Interrupts {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Interrupts {
    /// Listens from now on; the default action of these signals is off from here.
    ///
    /// # Errors
    /// The system refuses the handler.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::local(
                format_args!("cannot listen for Ctrl-C: {error}"),
                "report this as a bug",
            )
        };
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
            let terminate = signal(SignalKind::terminate()).map_err(failed)?;
            Ok(Self { interrupt, terminate })
        }
        #[cfg(windows)]
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c().map_err(failed)? })
    }

    /// Returns at the next wish to stop. Cancel safe.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(windows)]
        let _ = self.interrupt.recv().await;
    }
}

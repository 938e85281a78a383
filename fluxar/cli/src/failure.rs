//! How a verb fails: a code, a cause, a next step, and the exit code of the process.

use fluxar::{Code, Origin, Status};
use std::fmt;
use std::process::ExitCode;

/// The command's exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The work failed here, or came to what was not to be.
    Failed = 1,
    /// The command line is wrong (also clap's own code).
    Usage = 2,
    /// The peer was reached and said no.
    Refused = 3,
    /// It took longer than it might.
    TimedOut = 4,
    /// There is no link to the peer, or it was lost.
    Unreachable = 5,
}

impl Exit {
    /// What came of a call, stream, publication or subscription.
    pub(crate) fn of(status: &Status) -> Self {
        match (status.origin(), status.code()) {
            (Origin::Link, _) => Self::Unreachable,
            (_, Code::DeadlineExceeded) => Self::TimedOut,
            (Origin::Peer, _) => Self::Refused,
            _ => Self::Failed,
        }
    }
}

/// Why a verb ended without doing its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// To be told to the person.
    Told(Box<Told>),
    /// Whoever read our output has gone: nothing is wrong, and nobody to tell.
    BrokenPipe,
}

/// What is told.
#[derive(Debug)]
pub(crate) struct Told {
    exit: Exit,
    code: String,
    cause: String,
    next: String,
}

impl Told {
    /// What happened.
    pub(crate) fn cause(&self) -> &str {
        &self.cause
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// What to do.
    pub(crate) fn next(&self) -> &str {
        &self.next
    }
}

impl Failure {
    /// What happened, in a few words.
    pub(crate) fn cause(&self) -> String {
        match self {
            Self::Told(told) => told.cause.clone(),
            Self::BrokenPipe => self.to_string(),
        }
    }

    /// See the fields of [`Told`].
    pub(crate) fn new(
        exit: Exit,
        code: impl Into<String>,
        cause: impl fmt::Display,
        next: impl Into<String>,
    ) -> Self {
        let (code, cause, next) = (code.into(), cause.to_string(), next.into());
        Self::Told(Box::new(Told { exit, code, cause, next }))
    }

    /// The command line cannot be carried out.
    pub(crate) fn usage(cause: impl fmt::Display, next: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", cause, next)
    }

    /// Something of this machine's failed.
    pub(crate) fn local(cause: impl fmt::Display, next: impl Into<String>) -> Self {
        Self::new(Exit::Failed, "local", cause, next)
    }

    /// There is no session with the peer at `url`.
    pub(crate) fn connection(url: &str, code: &str, cause: impl fmt::Display) -> Self {
        let cause = cause.to_string();
        let next = match code {
            "unauthenticated" if cause.contains("[L4.seal.") => {
                "compare the fingerprint with what the peer's owner tells you (fluxar key show FILE), \
                 and hand in its pre-shared key if it has one: --seal-psk"
                    .to_owned()
            }
            "unauthenticated" => "give a credential with --auth (or FLUXAR_AUTH), such as \
                                  --auth bearer:TOKEN"
                .to_owned(),
            _ => format!("check the address and that a peer listens there: fluxar doctor {url}"),
        };
        let is_refusal = [Code::Unauthenticated, Code::PermissionDenied].map(Code::name);
        let exit = match is_refusal.contains(&code) {
            true => Exit::Refused,
            false => Exit::Unreachable,
        };
        Self::new(exit, code, format_args!("{url}: {cause}"), next)
    }

    /// A call, stream, publication or subscription came to nothing.
    pub(crate) fn remote(what: &str, status: &Status) -> Self {
        Self::remote_with(what, status, status.type_name(), next_step(status))
    }

    /// As [`Self::remote`], with the peer's own error as far as it is understood, and what to do.
    pub(crate) fn remote_with(
        what: &str,
        status: &Status,
        error: Option<&str>,
        next: impl Into<String>,
    ) -> Self {
        let mut cause = format!("{what}: {}", status.message());
        if let Some(error) = error {
            cause.push_str(&format!(" [{error}]"));
        }
        Self::new(Exit::of(status), status.code().name(), cause, next)
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Told(told) => ExitCode::from(told.exit as u8),
            Self::BrokenPipe => ExitCode::SUCCESS,
        }
    }
}

/// What a person can do about a status.
pub(crate) fn next_step(status: &Status) -> String {
    if let Some(after) = status.retry_after() {
        return format!("try again in {} ms", after.as_millis());
    }
    let step = match status.code() {
        Code::InvalidArgument => "correct the parameters as the message says",
        Code::Unimplemented => "check the name of the target, and that this peer serves it",
        Code::Unauthenticated => "give a valid credential with --auth",
        Code::PermissionDenied => "use a credential that has this right (--auth)",
        Code::DeadlineExceeded => "allow more time with --timeout, or look at the peer's load",
        Code::ResourceExhausted => "ask for less at once, or later",
        Code::Unavailable => "it did not run: try again",
        Code::Indeterminate => "it may have run: look before you repeat it",
        Code::Cancelled => "run it again if that was not intended",
        _ => "the message comes from the peer: look at its log",
    };
    step.to_owned()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokenPipe => f.write_str("the reader of the output has gone"),
            Self::Told(told) => {
                let label = console::style(format!("error[{}]", told.code)).for_stderr();
                write!(f, "{}: {}\n  next: {}", label.red().bold(), told.cause, told.next)
            }
        }
    }
}

//! What is measured: scenarios, runtimes, and who takes part in which.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

/// A library under measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Subject {
    /// The full public API: typed service, deadlines and credit on.
    Fluxar,
    /// Length-prefixed echo, one shared outbox, one waiting task a call: what a socket can do.
    Raw,
    /// tarpc with bincode.
    Tarpc,
    /// tonic with prost.
    Tonic,
    /// A plain text client beside `nats-server`, when that is installed.
    Nats,
    /// fluxar with sessions that outlive their links.
    Resume,
    /// fluxar sealed by Noise with AES-256-GCM.
    Sealed,
    /// fluxar over TLS 1.3.
    Tls,
    /// The raw echo over TLS 1.3.
    RawTls,
    /// fluxar over QUIC.
    Quic,
}

/// Who is measured beside whom: one table each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// fluxar beside other libraries.
    Peers,
    /// What a session that survives, or that nobody reads, costs beside a plain one.
    Sessions,
}

impl Comparison {
    /// The columns of its table.
    pub(crate) const fn columns(self) -> &'static [Subject] {
        use Subject::{Fluxar, Nats, Quic, Raw, RawTls, Resume, Sealed, Tarpc, Tls, Tonic};
        match self {
            Self::Peers => &[Fluxar, Raw, Tarpc, Tonic, Nats],
            Self::Sessions => &[Fluxar, Resume, Sealed, Tls, Quic, Raw, RawTls],
        }
    }

    /// The rows of its table.
    pub(crate) const fn scenarios(self) -> &'static [Scenario] {
        match self {
            Self::Peers => &[
                Scenario::Latency,
                Scenario::Unary(64),
                Scenario::Unary(1024),
                Scenario::Stream(1),
                Scenario::Stream(100),
                Scenario::Fanout(1),
                Scenario::Fanout(10),
                Scenario::Fanout(100),
                Scenario::Bulk,
                Scenario::Upload,
            ],
            Self::Sessions => &[
                Scenario::Latency,
                Scenario::Unary(64),
                Scenario::Bulk,
                Scenario::Idle,
                Scenario::Relink,
            ],
        }
    }

    /// Who takes part. tarpc has neither streams nor topics, tonic no topics.
    pub(crate) const fn subjects(self, scenario: Scenario) -> &'static [Subject] {
        use Subject::{Fluxar, Nats, Quic, Raw, Resume, Sealed, Tarpc, Tls, Tonic};
        match (self, scenario) {
            (_, Scenario::Idle) => &[Fluxar, Resume, Sealed, Tls, Quic],
            (_, Scenario::Relink) => &[Resume],
            (Self::Sessions, _) => self.columns(),
            (_, Scenario::Latency | Scenario::Unary(_) | Scenario::Bulk) => {
                &[Fluxar, Raw, Tarpc, Tonic]
            }
            (_, Scenario::Stream(_) | Scenario::Upload) => &[Fluxar, Tonic],
            (_, Scenario::Fanout(_)) => &[Fluxar, Nats],
        }
    }
}

impl Subject {
    /// The word used on the command line.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Fluxar => "fluxar",
            Self::Raw => "raw",
            Self::Tarpc => "tarpc",
            Self::Tonic => "tonic",
            Self::Nats => "nats",
            Self::Resume => "resume",
            Self::Sealed => "sealed",
            Self::Tls => "tls",
            Self::RawTls => "raw-tls",
            Self::Quic => "quic",
        }
    }

    /// The words used in the table.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Fluxar => "fluxar",
            Self::Raw => "raw+callers",
            Self::Tarpc => "tarpc 0.38",
            Self::Tonic => "tonic 0.14",
            Self::Nats => "NATS",
            Self::Resume => "resume on",
            Self::Sealed => "sealed",
            Self::Tls => "TLS",
            Self::RawTls => "raw+callers, TLS",
            Self::Quic => "QUIC",
        }
    }
}

/// A family of cells, selectable with `--only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Family {
    /// 32-byte calls.
    Unary,
    /// 30-byte items.
    Stream,
    /// 128-byte events to many subscribers.
    Fanout,
    /// 64 KiB calls.
    Bulk,
    /// Small calls beside a 1 GiB upload on the same connection.
    Upload,
    /// Memory of idle sessions.
    Idle,
    /// A cut link, and the next one.
    Relink,
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// 32-byte echo, one call in flight; the figure is the median latency.
    Latency,
    /// 32-byte echo from this many waiting callers on one connection; calls a second.
    Unary(usize),
    /// This many server streams of 30-byte items on one connection; items a second.
    Stream(usize),
    /// 128-byte events to this many subscribers, each with its own connection; deliveries a second.
    Fanout(usize),
    /// 64 KiB echo, eight callers; calls a second.
    Bulk,
    /// The 99th percentile of a small call during an upload, over its idle value.
    Upload,
    /// Memory of an idle session at the server, KiB.
    Idle,
    /// From the cut of a link to the answer of a call that was made then, milliseconds.
    Relink,
}

impl Scenario {
    /// The family that `--only` selects it by.
    pub(crate) const fn family(self) -> Family {
        match self {
            Self::Latency | Self::Unary(_) => Family::Unary,
            Self::Stream(_) => Family::Stream,
            Self::Fanout(_) => Family::Fanout,
            Self::Bulk => Family::Bulk,
            Self::Upload => Family::Upload,
            Self::Idle => Family::Idle,
            Self::Relink => Family::Relink,
        }
    }

    /// The runtimes on which it says something.
    pub(crate) const fn runtimes(self) -> &'static [Threads] {
        match self {
            Self::Idle | Self::Relink => &[Threads::Ct],
            _ => &[Threads::Ct, Threads::Mt],
        }
    }

    /// The row's name in the table.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Latency => "32 B call, 1 in flight: p50".into(),
            Self::Unary(callers) => format!("32 B call, {callers} callers"),
            Self::Stream(1) => "30 B items, 1 stream".into(),
            Self::Stream(streams) => format!("30 B items, {streams} streams"),
            Self::Fanout(1) => "128 B fan-out, 1 subscriber".into(),
            Self::Fanout(subscribers) => format!("128 B fan-out, {subscribers} subscribers"),
            Self::Bulk => "64 KiB echo, 8 callers".into(),
            Self::Upload => "small call's p99 beside an upload".into(),
            Self::Idle => "memory of an idle session, server".into(),
            Self::Relink => "link cut to a call's answer".into(),
        }
    }
}

/// How many threads each side's runtime has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Threads {
    /// A current-thread runtime.
    Ct,
    /// A runtime of two worker threads.
    Mt,
}

impl Threads {
    /// The word of the command line and of the table.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Ct => "ct",
            Self::Mt => "mt",
        }
    }
}

/// One cell of the comparison: a scenario on a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// What is done.
    pub(crate) scenario: Scenario,
    /// On which runtime.
    pub(crate) threads: Threads,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scenario {
            Scenario::Latency => f.write_str("latency")?,
            Scenario::Unary(n) => write!(f, "unary-{n}")?,
            Scenario::Stream(n) => write!(f, "stream-{n}")?,
            Scenario::Fanout(n) => write!(f, "fanout-{n}")?,
            Scenario::Bulk => f.write_str("bulk")?,
            Scenario::Upload => f.write_str("upload")?,
            Scenario::Idle => f.write_str("idle")?,
            Scenario::Relink => f.write_str("relink")?,
        }
        write!(f, "-{}", self.threads.key())
    }
}

impl FromStr for Cell {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (scenario, threads) = text.rsplit_once('-').context("a cell ends in -ct or -mt")?;
        let threads = match threads {
            "ct" => Threads::Ct,
            "mt" => Threads::Mt,
            other => bail!("unknown runtime {other:?}: ct or mt"),
        };
        let scenario = match scenario.split_once('-') {
            None if scenario == "latency" => Scenario::Latency,
            None if scenario == "bulk" => Scenario::Bulk,
            None if scenario == "upload" => Scenario::Upload,
            None if scenario == "idle" => Scenario::Idle,
            None if scenario == "relink" => Scenario::Relink,
            Some(("unary", n)) => Scenario::Unary(n.parse()?),
            Some(("stream", n)) => Scenario::Stream(n.parse()?),
            Some(("fanout", n)) => Scenario::Fanout(n.parse()?),
            _ => bail!("unknown scenario {scenario:?}"),
        };
        Ok(Self { scenario, threads })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_reads_back_from_its_name() {
        let both = [Comparison::Peers, Comparison::Sessions];
        for scenario in both.into_iter().flat_map(Comparison::scenarios) {
            for &threads in scenario.runtimes() {
                let cell = Cell { scenario: *scenario, threads };
                assert_eq!(cell.to_string().parse::<Cell>().unwrap(), cell);
            }
        }
    }
}

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
}

impl Subject {
    /// All of them, in the order of the table's columns.
    pub(crate) const ALL: [Self; 5] =
        [Self::Fluxar, Self::Raw, Self::Tarpc, Self::Tonic, Self::Nats];

    /// The word used on the command line.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Fluxar => "fluxar",
            Self::Raw => "raw",
            Self::Tarpc => "tarpc",
            Self::Tonic => "tonic",
            Self::Nats => "nats",
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
}

impl Scenario {
    /// Those of the table, in its order.
    pub(crate) const ALL: [Self; 10] = [
        Self::Latency,
        Self::Unary(64),
        Self::Unary(1024),
        Self::Stream(1),
        Self::Stream(100),
        Self::Fanout(1),
        Self::Fanout(10),
        Self::Fanout(100),
        Self::Bulk,
        Self::Upload,
    ];

    /// The family that `--only` selects it by.
    pub(crate) const fn family(self) -> Family {
        match self {
            Self::Latency | Self::Unary(_) => Family::Unary,
            Self::Stream(_) => Family::Stream,
            Self::Fanout(_) => Family::Fanout,
            Self::Bulk => Family::Bulk,
            Self::Upload => Family::Upload,
        }
    }

    /// Who takes part. tarpc has neither streams nor topics, tonic no topics.
    pub(crate) const fn subjects(self) -> &'static [Subject] {
        use Subject::{Fluxar, Nats, Raw, Tarpc, Tonic};
        match self {
            Self::Latency | Self::Unary(_) | Self::Bulk => &[Fluxar, Raw, Tarpc, Tonic],
            Self::Stream(_) | Self::Upload => &[Fluxar, Tonic],
            Self::Fanout(_) => &[Fluxar, Nats],
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
        for scenario in Scenario::ALL {
            for threads in [Threads::Ct, Threads::Mt] {
                let cell = Cell { scenario, threads };
                assert_eq!(cell.to_string().parse::<Cell>().unwrap(), cell);
            }
        }
    }
}

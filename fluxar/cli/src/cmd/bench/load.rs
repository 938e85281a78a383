//! How much is sent and when, and what is written down about it.

use super::Args;
use hdrhistogram::Histogram;
use serde_bytes::ByteBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Time to measure when neither time nor number is given.
const DURATION: Duration = Duration::from_secs(5);
/// Time at most when only a number is given.
const DURATION_MAX: Duration = Duration::from_secs(600);
/// A message carries its number and its time.
const STAMP_BYTES: usize = 16;
/// Longest latency that is told apart, in nanoseconds.
const LATENCY_NANOS_MAX: u64 = 60_000_000_000;
/// Exact to a part in a thousand.
const LATENCY_DIGITS: u8 = 3;

/// The work, shared by all clients. The clock starts when it is made.
#[derive(Debug)]
pub(super) struct Load {
    /// Bytes of a message.
    pub(super) size: usize,
    /// Messages of one client in flight, without a schedule.
    pub(super) window: u32,
    pub(super) warm_up: Duration,
    pub(super) clients: u16,
    pub(super) rate: Option<f64>,
    start: Instant,
    end: Instant,
    /// Measured messages still to be sent, by whoever comes first.
    left: AtomicU64,
}

impl Load {
    pub(super) fn new(args: &Args) -> Arc<Self> {
        let start = Instant::now();
        let time = match (args.duration, args.msgs) {
            (Some(duration), _) => duration,
            (None, Some(_)) => DURATION_MAX,
            (None, None) => DURATION,
        };
        Arc::new(Self {
            size: args.size.max(STAMP_BYTES),
            window: args.window,
            warm_up: args.warm_up,
            clients: args.clients,
            rate: args.rate,
            start,
            end: start + args.warm_up + time,
            left: AtomicU64::new(args.msgs.unwrap_or(u64::MAX)),
        })
    }

    /// Whether a message may be sent now, and whether it is measured.
    pub(super) fn admit(&self) -> Option<bool> {
        let now = Instant::now();
        if now >= self.end {
            return None;
        }
        if now < self.start + self.warm_up {
            return Some(false);
        }
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        taken.ok().map(|_| true)
    }

    /// The moments at which client number `index` sends, if there is a schedule. Clients take
    /// turns, so that their messages are spread evenly.
    pub(super) fn schedule(&self, index: usize) -> Option<Schedule> {
        let rate = self.rate?;
        let step = Duration::from_secs_f64(f64::from(self.clients) / rate);
        let offset = step.mul_f64(index as f64 / f64::from(self.clients));
        Some(Schedule { next: self.start + offset, step })
    }

    /// The moment that a stamp names.
    pub(super) fn moment(&self, nanos: u64) -> Instant {
        self.start + Duration::from_nanos(nanos)
    }

    /// A message with its number and the moment that counts as its start.
    pub(super) fn stamp(&self, number: u64, moment: Instant) -> ByteBuf {
        let nanos = moment.saturating_duration_since(self.start).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        let mut bytes = vec![0; self.size];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes[8..STAMP_BYTES].copy_from_slice(&nanos.to_be_bytes());
        ByteBuf::from(bytes)
    }
}

/// Reads a stamp back: the number and the moment, in nanoseconds of the load's clock.
pub(super) fn read_stamp(bytes: &[u8]) -> Option<(u64, u64)> {
    let (number, rest) = bytes.split_first_chunk()?;
    let nanos = rest.first_chunk()?;
    Some((u64::from_be_bytes(*number), u64::from_be_bytes(*nanos)))
}

/// Evenly spaced moments.
#[derive(Debug)]
pub(super) struct Schedule {
    next: Instant,
    step: Duration,
}

impl Schedule {
    /// Waits for the next moment and says which it was; late ones follow each other at once.
    pub(super) async fn next(&mut self) -> Instant {
        let moment = self.next;
        self.next += self.step;
        tokio::time::sleep_until(moment).await;
        moment
    }
}

/// What one client, or all of them together, saw.
#[derive(Debug)]
pub(super) struct Sheet {
    latencies: Histogram<u64>,
    /// Measured messages sent.
    pub(super) sent: u64,
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Sheet {
    pub(super) fn new() -> Self {
        let latencies = Histogram::new_with_max(LATENCY_NANOS_MAX, LATENCY_DIGITS);
        Self {
            latencies: latencies.expect("the bounds are constants that the histogram takes"),
            sent: 0,
            lost: 0,
            duplicated: 0,
            first: None,
            last: None,
        }
    }

    /// Writes down a measured message that started at `from` and has just come back.
    pub(super) fn record(&mut self, from: Instant) {
        let now = Instant::now();
        let nanos = now.saturating_duration_since(from).as_nanos();
        self.latencies.saturating_record(u64::try_from(nanos).unwrap_or(u64::MAX).max(1));
        self.first = Some(self.first.map_or(from, |first| first.min(from)));
        self.last = Some(self.last.map_or(now, |last| last.max(now)));
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.latencies.add(&other.latencies).expect("all sheets have the same bounds");
        self.sent += other.sent;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
    }

    pub(super) fn messages(&self) -> u64 {
        self.latencies.len()
    }

    /// From the first start to the last return.
    pub(super) fn elapsed(&self) -> Duration {
        match (self.first, self.last) {
            (Some(first), Some(last)) => last.saturating_duration_since(first),
            _ => Duration::ZERO,
        }
    }

    /// The latency that this share of the messages did not pass.
    pub(super) fn quantile(&self, share: f64) -> Duration {
        Duration::from_nanos(self.latencies.value_at_quantile(share))
    }

    pub(super) fn max(&self) -> Duration {
        Duration::from_nanos(self.latencies.max())
    }
}

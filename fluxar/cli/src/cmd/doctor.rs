//! `fluxar doctor`: what works on the way to a peer, and what to do about the rest.

use crate::dial::{self, Dial, Way};
use crate::failure::{Exit, Failure};
use crate::hex;
use crate::terminal::{self, Format};
use crate::units;
use fluxar::Client;
use fluxar::transport::{self, Address, LinkInfo};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Pings for the round trip.
const PINGS: usize = 10;
/// A wall clock before this (2025-01-01) is wrong: this command is younger.
const CLOCK_SECONDS_MIN: u64 = 1_735_689_600;
/// A round trip above this deserves a word.
const SLOW_ROUND_TRIP: Duration = Duration::from_millis(250);

/// Check the way to a peer, step by step
///
/// Each line is a check: ok or FAIL, what was found, and for a failure what to do next. Checks that
/// need a failed one are left out. Exit code 0 when all is well, 5 when there is no connection,
/// 3 when the peer refuses one, 1 when something else is wrong.
///
/// Examples:
///   fluxar doctor ws://127.0.0.1:9000
///   fluxar doctor tcp://10.0.0.5:9000 --auth bearer:s3cret
///   fluxar doctor unix:///run/app/fluxar.sock -o json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, override_usage = "fluxar doctor [OPTIONS] [URL]")]
pub(crate) struct Args {
    /// Address of the peer (or FLUXAR_URL, or a context)
    #[arg(value_name = "URL")]
    words: Vec<String>,
    /// Form of the output [default: text on a terminal, json otherwise]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    #[command(flatten)]
    dial: Dial,
}

/// Checks.
///
/// # Errors
/// A check has failed.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let (way, words) = args.dial.way(args.words)?;
    dial::expect_words(&words, 0, 0, "[URL]")?;
    let mut visit = Visit { format: Format::or_fitting(args.output), failed: None };
    visit.clock()?;
    visit.features()?;
    if let Some(client) = visit.connect(&way).await? {
        visit.peer(&client)?;
        visit.round_trip(&client).await?;
        client.close().await;
    }
    match visit.failed {
        None => Ok(()),
        Some((exit, check)) => Err(Failure::new(
            exit,
            "doctor",
            format_args!("{}: the check `{check}` has failed", way.url()),
            "do what its line says, then run fluxar doctor again",
        )),
    }
}

struct Visit {
    format: Format,
    /// The gravest failure so far.
    failed: Option<(Exit, &'static str)>,
}

impl Visit {
    fn ok(&self, check: &'static str, found: impl std::fmt::Display) -> Result<(), Failure> {
        match self.format {
            Format::Text => terminal::data_line(format_args!("ok    {check:<11} {found}")),
            Format::Json => {
                let found = found.to_string();
                terminal::data_line(serde_json::json!({"check": check, "ok": true, "found": found}))
            }
        }
    }

    fn fail(
        &mut self,
        exit: Exit,
        check: &'static str,
        found: impl std::fmt::Display,
        next: &str,
    ) -> Result<(), Failure> {
        if self.failed.is_none_or(|(gravest, _)| exit != Exit::Failed && gravest == Exit::Failed) {
            self.failed = Some((exit, check));
        }
        match self.format {
            Format::Text => {
                let label = console::style("FAIL").red().bold();
                terminal::data_line(format_args!(
                    "{label}  {check:<11} {found}\n      next: {next}"
                ))
            }
            Format::Json => {
                let found = found.to_string();
                terminal::data_line(serde_json::json!({
                    "check": check, "ok": false, "found": found, "next": next
                }))
            }
        }
    }

    fn clock(&mut self) -> Result<(), Failure> {
        let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let start = Instant::now();
        let mut step = start.elapsed();
        while step.is_zero() {
            step = start.elapsed();
        }
        let found = format!("{seconds} s since 1970, steps of {} ns at most", step.as_nanos());
        if seconds < CLOCK_SECONDS_MIN {
            let next = "set the clock: credentials that expire are judged by it";
            return self.fail(Exit::Failed, "clock", found, next);
        }
        self.ok("clock", found)
    }

    fn features(&self) -> Result<(), Failure> {
        let version = env!("CARGO_PKG_VERSION");
        let transports = "tcp, tls, ws, wss, quic, unix, stdio, exec, mem";
        self.ok("features", format_args!("fluxar {version}, protocol 1, transports {transports}"))
    }

    /// Bare links first, so that a closed port is told from a refused handshake.
    async fn connect(&mut self, way: &Way) -> Result<Option<Client>, Failure> {
        let mut is_there = false;
        for url in way.urls() {
            is_there |= self.link(url, way).await?;
        }
        if !is_there {
            return Ok(None);
        }
        let start = Instant::now();
        match way.connect().await {
            Ok(client) => {
                let took = units::show(start.elapsed());
                self.ok("handshake", format_args!("with link and credential, in {took}"))?;
                Ok(Some(client))
            }
            Err(Failure::Told(told)) => {
                self.fail(told.exit(), "handshake", told.cause(), told.next())?;
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Whether there is a link to this address.
    async fn link(&mut self, url: &str, way: &Way) -> Result<bool, Failure> {
        // What pins the peer is for the handshake, not for the link.
        let address: Address = match crate::seal::bare(url).parse() {
            Ok(address) => address,
            Err(error) => {
                let next = "write it like ws://127.0.0.1:9000, tcp://host:9000 or unix:///path";
                self.fail(Exit::Unreachable, "address", error, next)?;
                return Ok(false);
            }
        };
        self.ok("address", &address)?;
        if address.scheme() == "exec" {
            return Ok(true);
        }
        let start = Instant::now();
        match transport::dial(&address, &way.options()?).await {
            Ok(link) => {
                let took = units::show(start.elapsed());
                let ends = format_args!("{} to {}", link.info.local, link.info.peer);
                self.ok("link", format_args!("{}, {ends}, in {took}", link.info.transport))?;
                self.security(&link.info)?;
                Ok(true)
            }
            Err(error) => {
                let next = "check the address, the firewall, and that a peer listens there \
                            (start one with: fluxar up)";
                self.fail(Exit::Unreachable, "link", error, next)?;
                Ok(false)
            }
        }
    }

    /// What the handshake of TLS has shown.
    fn security(&self, info: &LinkInfo) -> Result<(), Failure> {
        let Some(security) = &info.security else { return Ok(()) };
        let binding = if security.exporter.is_some() { "bound" } else { "not bound" };
        let cipher = match security.cipher.as_str() {
            "" => String::new(),
            cipher => format!(", {cipher}"),
        };
        self.ok("tls", format_args!("{}{cipher}, credentials {binding} to it", security.protocol))?;
        let Some(shown) = &security.peer_certificate else { return Ok(()) };
        let found = format_args!(
            "{:?} for {}, until {}, sha256 {}",
            shown.subject,
            shown.names.join(", "),
            shown.not_after,
            shown.fingerprint
        );
        self.ok("certificate", found)
    }

    fn peer(&self, client: &Client) -> Result<(), Failure> {
        let info = client.info();
        let instance = hex::encode(&info.instance);
        let name = if info.name.is_empty() { "without a name" } else { &info.name };
        self.ok("peer", format_args!("{name}, instance {instance}"))?;
        let Some(limits) = client.peer_limits() else { return Ok(()) };
        self.ok(
            "limits",
            format_args!(
                "frame {} B, message {} B, {} calls, {} streams, {} subscriptions, credit {} B",
                limits.frame_bytes_max,
                limits.message_bytes_max,
                limits.calls_max,
                limits.streams_max,
                limits.subscriptions_max,
                limits.initial_credit,
            ),
        )
    }

    async fn round_trip(&mut self, client: &Client) -> Result<(), Failure> {
        let mut trips = Vec::with_capacity(PINGS);
        for _ in 0..PINGS {
            match client.ping().await {
                Ok(trip) => trips.push(trip),
                Err(status) => {
                    let next = "the link broke after the handshake: look for a proxy in between";
                    return self.fail(Exit::Unreachable, "ping", status, next);
                }
            }
        }
        trips.sort_unstable();
        let [least, middle, most] =
            [0, PINGS / 2, PINGS - 1].map(|index| units::show(trips[index]));
        let found = format!("{PINGS} round trips: min {least}, median {middle}, max {most}");
        if trips[PINGS / 2] > SLOW_ROUND_TRIP {
            let next = "the way is long or loaded: calls take at least this long";
            return self.fail(Exit::Failed, "ping", found, next);
        }
        self.ok("ping", found)
    }
}

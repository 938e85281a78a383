//! `fluxar demo resume`: a stream of tokens over a link that is cut again and again.

use super::cutter::{Cutter, SWALLOWS};
use super::keys::Keys;
use super::{failed, no_session};
use crate::failure::Failure;
use crate::llm::ngram::{Manner, Model};
use crate::terminal::{self, Format, Interrupts};
use crate::units;
use fluxar::{Client, Peer, Server, Sink, Status, Streaming};
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

/// Cuts without a terminal and without --cuts.
const CUTS: u64 = 10;
/// Time from cut to cut where nobody presses a key.
const EVERY: Duration = Duration::from_millis(500);
/// A link on the loopback interface that takes longer to come back never does.
const BACK_TIMEOUT: Duration = Duration::from_secs(10);
const TOKENS: &str = "demo.tokens";
const ENOUGH: &str = "demo.enough";
/// What the model is asked, one after the other.
const PROMPTS: [&str; 4] =
    ["Tell me about the sea.", "How is bread made?", "How do messages travel?", "What grows?"];

/// Cut the link again and again while tokens stream, and lose none
///
/// One process, two peers, and a real TCP link between them through a forwarder that breaks it: for
/// 100 ms it swallows what the server sends, then both sides lose the link. The client dials again,
/// the session goes on, and what was swallowed is sent again. Every token has a number, and each
/// must come once and in order.
///
/// Press c to cut, q or Ctrl-C to end. Without a terminal, and with --every or --cuts, it cuts by
/// itself. The summary is JSON on standard output (with -o text the tokens are there). Exit code 1
/// when any token was lost or came twice.
///
/// Examples:
///   fluxar demo resume
///   fluxar demo resume --cuts 20 --every 200ms
///   fluxar demo resume --cuts 20 -o json | jq .replays
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct ResumeArgs {
    /// End after so many cuts [default: 10 without a terminal, else when you say so]
    #[arg(long, value_name = "N", value_parser = units::count)]
    cuts: Option<u64>,
    /// Cut by itself, with this time between cuts [default: 500ms without a terminal or with
    /// --cuts, else only when c is pressed]
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    every: Option<Duration>,
    /// Pace of the model
    #[arg(long, value_name = "RATE", default_value = "60/s", value_parser = units::rate)]
    tokens_per_second: f64,
    /// Form of the output [default: text on a terminal, json otherwise]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
}

/// A token and its number, from 1 on.
#[derive(Debug, Serialize, Deserialize)]
struct Numbered {
    position: u64,
    text: String,
}

/// What the server has sent, all in all.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    tokens: u64,
    /// Over all texts.
    digest: u64,
}

/// What has come, as against what should have.
#[derive(Debug, Default)]
struct Ledger {
    /// The highest number.
    position: u64,
    tokens: u64,
    lost: u64,
    doubled: u64,
    texts: DefaultHasher,
}

impl Ledger {
    /// Takes a token down; false when it has come before.
    fn take(&mut self, token: &Numbered) -> bool {
        if token.position <= self.position {
            self.doubled += 1;
            return false;
        }
        self.lost += token.position - self.position - 1;
        self.position = token.position;
        self.tokens += 1;
        self.texts.write(token.text.as_bytes());
        true
    }

    /// Compares with what was sent.
    fn settle(&mut self, sent: &Sent) {
        self.lost += sent.tokens.saturating_sub(self.position);
    }

    fn is_whole(&self, sent: &Sent) -> bool {
        let got = Sent { tokens: self.tokens, digest: self.texts.finish() };
        self.lost == 0 && self.doubled == 0 && got == *sent
    }
}

/// Runs it.
///
/// # Errors
/// A token was lost or came twice, or the session was.
pub(super) async fn resume(args: ResumeArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let server = serve(args.tokens_per_second).await?;
    let at = server.addresses()[0].to_string();
    let local =
        |error: &dyn std::fmt::Display| Failure::local(error, "check the loopback interface");
    let to: SocketAddr = at.trim_start_matches("tcp://").parse().map_err(|error| local(&error))?;
    let cutter = Cutter::start(to).await.map_err(|error| local(&error))?;
    let url = cutter.url();
    let client = Client::connect(url.as_str()).name("demo-client").build().await;
    let client = client.map_err(|error| no_session(&url, &error))?;
    // Answered when the server's side is there as well.
    client.ping().await.map_err(|status| failed("ping", &status))?;
    let keys = Keys::listen();
    let has_keys = keys.is_some();
    let by_itself = args.every.is_some() || args.cuts.is_some() || !has_keys;
    let mut show = Show {
        format: Format::or_fitting(args.output),
        every: by_itself.then(|| args.every.unwrap_or(EVERY)),
        wanted: args.cuts.or_else(|| (!has_keys && args.every.is_none()).then_some(CUTS)),
        keys,
        sender: server.peers().into_iter().next(),
        cutter,
        client,
        ledger: Ledger::default(),
        gaps: Vec::new(),
        cuts: 0,
        pending: None,
        fresh_from: 0,
        is_ending: false,
    };
    if has_keys {
        terminal::note("demo", "press c to cut the link, q to end");
    }
    let sent = show.run(&mut interrupts).await?;
    drop(show.keys.take());
    terminal::end_line()?;
    let outcome = show.conclude(&sent);
    show.client.close().await;
    server.shutdown().await;
    outcome
}

/// A server that says tokens until it is told that they are enough.
async fn serve(tokens_per_second: f64) -> Result<Server, Failure> {
    let server = Server::bind("tcp://127.0.0.1:0").name("demo-server").build().await;
    let server = server.map_err(|error| Failure::local(error, "check the loopback interface"))?;
    let model = Arc::new(Model::shipped());
    let pace = Duration::from_secs_f64(1.0 / tokens_per_second);
    let enough = Arc::new(watch::Sender::new(false));
    let told = Arc::clone(&enough);
    server.handle(ENOUGH, move |(): ()| {
        told.send_replace(true);
        async { Ok::<_, Status>(()) }
    });
    server.handle_stream(
        TOKENS,
        move |_: fluxar::Context, (): (), _: Streaming<()>, out: Sink<Numbered>| {
            let (model, stop) = (Arc::clone(&model), enough.subscribe());
            async move { speak(&model, pace, stop, &out).await }
        },
    );
    crate::node::spawn(&server);
    Ok(server)
}

async fn speak(
    model: &Arc<Model>,
    pace: Duration,
    mut stop: watch::Receiver<bool>,
    out: &Sink<Numbered>,
) -> Result<Sent, Status> {
    let mut ticks = tokio::time::interval(pace);
    // A stream that was held up by a cut catches up.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut tokens, mut texts) = (0, DefaultHasher::new());
    for (seed, prompt) in (0..).zip(PROMPTS.iter().cycle()) {
        let manner =
            Manner { seed: Some(seed), temperature: 0.8, enough_tokens: 60, max_tokens: 200 };
        let answer = model.answer(prompt, manner);
        for text in answer.chain(std::iter::once("\n\n".to_owned())) {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.wait_for(|stop| *stop) => {
                    return Ok(Sent { tokens, digest: texts.finish() });
                }
            }
            tokens += 1;
            texts.write(text.as_bytes());
            out.send(Numbered { position: tokens, text }).await?;
        }
    }
    unreachable!("the prompts go round for ever")
}

/// A link that was cut and is not back yet.
struct Pending {
    since: Instant,
    resumes: u64,
    resent: u64,
}

struct Show {
    format: Format,
    every: Option<Duration>,
    /// Cuts after which it ends.
    wanted: Option<u64>,
    keys: Option<Keys>,
    /// The server's side, which sends again.
    sender: Option<Peer>,
    cutter: Cutter,
    client: Client,
    ledger: Ledger,
    gaps: Vec<Duration>,
    cuts: u64,
    pending: Option<Pending>,
    /// A cut before a token of the link at hand has come would show nothing.
    fresh_from: u64,
    is_ending: bool,
}

impl Show {
    async fn run(&mut self, interrupts: &mut Interrupts) -> Result<Sent, Failure> {
        let opened = self.client.stream(TOKENS, &());
        let mut stream: Streaming<Numbered, Sent> =
            opened.map_err(|status| failed(TOKENS, &status))?;
        let mut due = Instant::now() + self.every.unwrap_or_default();
        loop {
            let is_due = self.every.is_some() && self.may_cut();
            let (is_away, given_up_at) = (self.pending.is_some(), self.given_up_at());
            tokio::select! {
                token = stream.next() => match token {
                    Some(token) => self.take(token.map_err(|status| failed(TOKENS, &status))?)?,
                    None => break,
                },
                () = tokio::time::sleep_until(due), if is_due => {
                    due = Instant::now() + self.every.unwrap_or_default();
                    self.cut();
                }
                key = Keys::next(&mut self.keys) => match key {
                    b'c' | b'C' if self.may_cut() => self.cut(),
                    b'q' | b'Q' => self.enough(),
                    _ => {}
                },
                () = tokio::time::sleep_until(given_up_at), if is_away => {
                    // A slow model may have had nothing to say since.
                    self.back()?;
                    if self.pending.is_some() {
                        let next = "report this as a bug: both ends are in this process";
                        return Err(Failure::local("the link did not come back", next));
                    }
                }
                () = interrupts.next() => {
                    if self.is_ending {
                        let next = "wait for the summary after one Ctrl-C";
                        return Err(Failure::local("left without a summary", next));
                    }
                    self.enough();
                }
            }
        }
        stream.finish().await.map_err(|status| failed(TOKENS, &status))
    }

    fn resent(&self) -> u64 {
        self.sender.as_ref().map_or(0, Peer::resent)
    }

    fn given_up_at(&self) -> Instant {
        self.pending.as_ref().map_or_else(Instant::now, |pending| pending.since) + BACK_TIMEOUT
    }

    /// Whether a cut would show anything now.
    fn may_cut(&self) -> bool {
        let is_fresh = self.ledger.position > self.fresh_from;
        let is_wanted = self.wanted.is_none_or(|wanted| self.cuts < wanted);
        self.pending.is_none() && is_fresh && is_wanted && !self.is_ending
    }

    fn cut(&mut self) {
        let (resumes, resent) = (self.client.resumes(), self.resent());
        self.pending = Some(Pending { since: Instant::now(), resumes, resent });
        self.cuts += 1;
        self.cutter.cut();
    }

    fn take(&mut self, token: Numbered) -> Result<(), Failure> {
        self.back()?;
        if self.ledger.take(&token) && self.format == Format::Text {
            terminal::data(&token.text)?;
        }
        let is_done = self.wanted.is_some_and(|wanted| self.cuts >= wanted);
        if is_done && self.pending.is_none() && self.ledger.position > self.fresh_from {
            self.enough();
        }
        Ok(())
    }

    /// Tells of a link that is back, if it is: when it brings a token, so that what was sent again
    /// is on its way.
    fn back(&mut self) -> Result<(), Failure> {
        let resumes = self.client.resumes();
        let Some(pending) = self.pending.take_if(|pending| resumes > pending.resumes) else {
            return Ok(());
        };
        let gap = pending.since.elapsed();
        self.gaps.push(gap);
        self.fresh_from = self.ledger.position;
        let Ledger { position, lost, doubled, .. } = self.ledger;
        terminal::end_line()?;
        terminal::note(
            &format!("cut {}", self.cuts),
            format_args!(
                "at token {position}: back after {}, {} sent again, {lost} lost, {doubled} doubled",
                units::show(gap),
                self.resent() - pending.resent,
            ),
        );
        Ok(())
    }

    /// Ends the stream, which brings its result.
    fn enough(&mut self) {
        if std::mem::replace(&mut self.is_ending, true) {
            return;
        }
        let peer = self.client.peer().clone();
        // An answer that does not come is one of a session that is over: the stream says so.
        tokio::spawn(async move { peer.call::<_, ()>(ENOUGH, &()).await });
    }

    /// The summary, and whether all is well.
    fn conclude(&mut self, sent: &Sent) -> Result<(), Failure> {
        self.ledger.settle(sent);
        let Ledger { tokens, lost, doubled, .. } = self.ledger;
        self.gaps.sort_unstable();
        let milliseconds =
            |gap: Option<&Duration>| gap.map(|gap| (gap.as_secs_f64() * 1e4).round() / 10.0);
        let middle = milliseconds(self.gaps.get(self.gaps.len() / 2));
        let longest = milliseconds(self.gaps.last());
        let (cuts, replays) = (self.cuts, self.resent());
        let resumes = self.client.resumes();
        match self.format {
            Format::Json => terminal::data_line(serde_json::json!({
                "cuts": cuts, "resumes": resumes, "items": tokens, "replays": replays,
                "lost": lost, "doubled": doubled,
                "gap_ms": { "median": middle, "max": longest },
                "swallowed_ms": u64::try_from(SWALLOWS.as_millis()).unwrap_or(u64::MAX),
            }))?,
            Format::Text => terminal::note(
                "summary",
                format_args!(
                    "{cuts} cuts, {tokens} tokens, {replays} sent again, {lost} lost, {doubled} \
                     doubled"
                ),
            ),
        }
        if self.ledger.is_whole(sent) {
            return Ok(());
        }
        let cause = format_args!("{lost} tokens lost, {doubled} doubled, or not the same text");
        Err(Failure::local(cause, "report this as a bug, with the summary"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(positions: &[u64]) -> Ledger {
        let mut ledger = Ledger::default();
        for position in positions {
            ledger.take(&Numbered { position: *position, text: "x".to_owned() });
        }
        ledger
    }

    #[test]
    fn what_is_lost_or_doubled_is_counted() {
        let mut texts = DefaultHasher::new();
        (0..3).for_each(|_| texts.write(b"x"));
        let sent = Sent { tokens: 3, digest: texts.finish() };
        for (positions, lost, doubled) in [
            (&[1, 2, 3][..], 0, 0),
            (&[1, 3], 1, 0),
            (&[1, 2], 1, 0),
            (&[1, 2, 2, 3], 0, 1),
            (&[2, 1, 3], 1, 1),
            (&[], 3, 0),
        ] {
            let mut ledger = ledger(positions);
            ledger.settle(&sent);
            assert_eq!((ledger.lost, ledger.doubled), (lost, doubled), "{positions:?}");
            assert_eq!(ledger.is_whole(&sent), lost + doubled == 0, "{positions:?}");
        }
        let other = Sent { digest: sent.digest ^ 1, ..sent };
        assert!(!ledger(&[1, 2, 3]).is_whole(&other), "another text is noticed");
    }
}

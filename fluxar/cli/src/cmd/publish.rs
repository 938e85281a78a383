//! `fluxar pub`: events, one or many.

use crate::contracts::{Contracts, Typing};
use crate::dial::{self, Dial};
use crate::failure::{Exit, Failure};
use crate::json::Json;
use crate::template::Template;
use crate::terminal::{self, Interrupts};
use crate::typed::Types;
use crate::units;
use fluxar::payload::Mismatch;
use fluxar::{Client, Code, PublishOptions, Value};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior};

/// Publish to a topic
///
/// In the topic and in the JSON, {{count}} counts from 1, {{time}} is the time in milliseconds and
/// {{rand LOW HIGH}} is a number between two others. Without JSON the event is null; with
/// --retain instead, the topic's retained value is cleared. Ctrl-C stops after the event under way.
///
/// A topic of the peer's contract (or of --idl) has a type: the event and the parameters in the
/// path are checked, and travel as fluxar call --help says. Any other topic takes JSON as it is.
///
/// Examples:
///   fluxar pub ws://127.0.0.1:9000 orders.created '{"id":7}'
///   fluxar pub ws://127.0.0.1:9000 sensors.1.temp '{"t":{{rand 18 25}}}' --count 100 --rate 10/s
///   fluxar pub ws://127.0.0.1:9000 config.limits '{"max":10}' --retain
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, override_usage = "fluxar pub [OPTIONS] [URL] TOPIC [JSON]")]
pub(crate) struct Args {
    /// Address (or FLUXAR_URL, or a context), topic, and the event
    #[arg(required = true, value_name = "WORDS")]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    typing: Typing,
    /// Keep the event as the topic's retained value, for later subscribers
    #[arg(long)]
    retain: bool,
    /// Events to publish
    #[arg(long, value_name = "N", default_value = "1", value_parser = units::count)]
    count: u64,
    /// Events a second [default: as fast as the peer takes them]
    #[arg(long, value_name = "RATE", value_parser = units::rate)]
    rate: Option<f64>,
    #[command(flatten)]
    pub(crate) dial: Dial,
}

/// Publishes.
///
/// # Errors
/// No connection, a wrong command line, or the peer's refusal.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let (way, words) = args.dial.way(args.words)?;
    dial::expect_words(&words, 1, 2, "[URL] TOPIC [JSON]")?;
    let template = |text: &str| {
        Template::parse(text).map_err(|error| Failure::usage(error, "see fluxar pub --help"))
    };
    let events = Events {
        topic: template(&words[0])?,
        json: words.get(1).map(|text| template(text)).transpose()?,
        options: PublishOptions::new().retain(args.retain),
    };
    events.render(1)?; // Wrong JSON is found before anything is sent.
    let mut interrupts = Interrupts::listen()?;
    let files = args.typing.load()?;
    let client = way.connect().await?;
    let contracts = args.typing.contracts(files, &client).await;
    let outcome = async {
        let how = (contracts.as_ref(), args.count, args.rate.map(pace));
        let sent = events.run(&client, how, &mut interrupts).await?;
        // Events are not answered: the answer to a ping shows that the peer has read them all.
        let read = client.ping().await;
        read.map_err(|status| Failure::remote("ping after the last event", &status))?;
        Ok(sent)
    }
    .await;
    client.close().await;
    let sent = outcome?;
    if args.count > 1 {
        terminal::note("pub", format_args!("{sent} events published"));
    }
    Ok(())
}

struct Events {
    topic: Template,
    json: Option<Template>,
    options: PublishOptions,
}

impl Events {
    fn render(&self, count: u64) -> Result<(String, Option<Json>), Failure> {
        let topic = self.topic.render(count);
        let Some(template) = &self.json else { return Ok((topic, None)) };
        let text = template.render(count);
        let value = serde_json::from_str(&text).map_err(|error| {
            let next = "quote it for the shell: '{\"id\":7}', or '\"text\"' for a text";
            Failure::usage(format_args!("`{text}` is no JSON: {error}"), next)
        })?;
        Ok((topic, Some(Json(value))))
    }

    /// Publishes until all are out or somebody stops it; says how many are.
    async fn run(
        &self,
        client: &Client,
        (contracts, count, mut pace): (Option<&Contracts>, u64, Option<Interval>),
        interrupts: &mut Interrupts,
    ) -> Result<u64, Failure> {
        let progress = progress(count);
        let mut sent = 0;
        while sent < count {
            tokio::select! {
                biased;
                () = interrupts.next() => break,
                () = tick(&mut pace) => {}
            }
            self.publish(client, contracts, sent + 1).await?;
            sent += 1;
            progress.set_position(sent);
        }
        progress.finish_and_clear();
        Ok(sent)
    }

    async fn publish(
        &self,
        client: &Client,
        contracts: Option<&Contracts>,
        count: u64,
    ) -> Result<(), Failure> {
        let (topic, event) = self.render(count)?;
        if event.is_none() && self.options.retain {
            let cleared = client.clear_retained(&topic).await;
            return cleared.map_err(|status| Failure::remote(&topic, &status));
        }
        let event = event.unwrap_or(Json(serde_json::Value::Null));
        let (event, retain) = typed(contracts, &topic, &event).map_err(|mismatch| {
            let next = "correct it, or leave the contract out of it with --untyped";
            let cause = format_args!("{topic}: {mismatch}");
            Failure::new(Exit::Failed, Code::InvalidArgument.name(), cause, next)
        })?;
        let options = PublishOptions::new().retain(self.options.retain || retain);
        let published = client.publish_with(&topic, &event, &options).await;
        published.map_err(|status| Failure::remote(&topic, &status))
    }
}

/// The event as it travels, and whether its topic keeps its last value.
fn typed(
    contracts: Option<&Contracts>,
    path: &str,
    event: &Json,
) -> Result<(Value, bool), Mismatch> {
    let Some((model, topic)) = contracts.and_then(|contracts| contracts.topic_at(path)) else {
        return Ok((Value::of(event)?, false));
    };
    let types = Types::new(model);
    types.check_path(topic, path)?;
    Ok((types.write(&topic.payload, &event.0)?, topic.retain.is_some()))
}

fn pace(rate: f64) -> Interval {
    let mut interval = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
    interval
}

async fn tick(pace: &mut Option<Interval>) {
    if let Some(interval) = pace {
        interval.tick().await;
    }
}

/// A bar on stderr when that is a terminal and there is something to wait for.
fn progress(count: u64) -> ProgressBar {
    const WORTH_SHOWING: u64 = 10;
    if count < WORTH_SHOWING {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta}");
    ProgressBar::new(count).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

//! `fluxar pub`: events, one or many.

use crate::dial::{self, Dial};
use crate::failure::Failure;
use crate::json::Json;
use crate::template::Template;
use crate::terminal::{self, Interrupts};
use crate::units;
use fluxar::{Client, PublishOptions};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior};

/// Publish to a topic
///
/// In the topic and in the JSON, {{count}} counts from 1, {{time}} is the time in milliseconds and
/// {{rand LOW HIGH}} is a number between two others. Without JSON the event is null; with
/// --retain instead, the topic's retained value is cleared. Ctrl-C stops after the event under way.
///
/// Examples:
///   fluxar pub ws://127.0.0.1:9000 orders.created '{"id":7}'
///   fluxar pub ws://127.0.0.1:9000 sensors.1.temp '{"t":{{rand 18 25}}}' --count 100 --rate 10/s
///   fluxar pub ws://127.0.0.1:9000 config.limits '{"max":10}' --retain
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, override_usage = "fluxar pub [OPTIONS] [URL] TOPIC [JSON]")]
pub(crate) struct Args {
    /// Address (or FLUXAR_URL), topic, and the event
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
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
    dial: Dial,
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
        options: PublishOptions { retain: args.retain },
    };
    events.render(1)?; // Wrong JSON is found before anything is sent.
    let mut interrupts = Interrupts::listen()?;
    let client = way.connect().await?;
    let mut pace = args.rate.map(pace);
    let progress = progress(args.count);
    let mut sent = 0;
    while sent < args.count {
        tokio::select! {
            biased;
            () = interrupts.next() => break,
            () = tick(&mut pace) => {}
        }
        events.publish(&client, sent + 1).await?;
        sent += 1;
        progress.set_position(sent);
    }
    progress.finish_and_clear();
    // Events are not answered: the answer to a ping shows that the peer has read them all.
    let arrived = client.ping().await;
    arrived.map_err(|status| Failure::remote("ping after the last event", &status))?;
    client.close().await;
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

    async fn publish(&self, client: &Client, count: u64) -> Result<(), Failure> {
        let (topic, event) = self.render(count)?;
        let published = match &event {
            Some(event) => client.publish_with(&topic, event, &self.options).await,
            None if self.options.retain => client.clear_retained(&topic).await,
            None => client.publish(&topic, &None::<Json>).await,
        };
        published.map_err(|status| Failure::remote(&topic, &status))
    }
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

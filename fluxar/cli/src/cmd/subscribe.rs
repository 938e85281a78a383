//! `fluxar sub`: events as they come.

use super::call::as_it_is;
use crate::contracts::{Contracts, Typing};
use crate::dial::{self, Dial};
use crate::failure::{Exit, Failure};
use crate::json::Json;
use crate::template::milliseconds_since_1970;
use crate::terminal::{self, Format, Interrupts};
use crate::typed::Types;
use crate::units;
use fluxar::{Client, Events, Message, SubscribeWith};
use serde_json::{Value, json};
use std::time::Duration;

/// Subscribe to topics and print what comes
///
/// In a pattern, * stands for one segment and > for the rest. Each event is one line: JSON with
/// topic and payload, or with -o text the topic and the payload. -F prints your own form:
/// {topic}, {payload}, {count} (a counter), {time} (milliseconds), {json .a.b} (a part of the payload).
///
/// An event of a topic in the peer's contract (or in --idl) is shown by its type, as fluxar call --help
/// says, any other as it is.
///
/// Ctrl-C ends it. With -W and -C together, too few events in time are a failure (exit code 4).
///
/// Examples:
///   fluxar sub ws://127.0.0.1:9000 'orders.>'
///   fluxar sub ws://127.0.0.1:9000 'sensors.*.temp' -C 5 -W 30s
///   fluxar sub ws://127.0.0.1:9000 'sensors.*.temp' -F '{topic} {json .t}'
///   fluxar sub ws://127.0.0.1:9000 jobs.new --group workers
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, override_usage = "fluxar sub [OPTIONS] [URL] PATTERN")]
pub(crate) struct Args {
    /// Address (or FLUXAR_URL, or a context) and pattern
    #[arg(required = true, value_name = "WORDS")]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    typing: Typing,
    /// End after this many events
    #[arg(short = 'C', long, value_name = "N", value_parser = units::count)]
    count: Option<u64>,
    /// End after this time
    #[arg(short = 'W', long, value_name = "DURATION", value_parser = units::duration)]
    wait: Option<Duration>,
    /// Share the events with the other subscribers of this group
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Form of a line
    #[arg(short = 'F', long, value_name = "FORM")]
    form: Option<String>,
    /// Form of the output [default: text on a terminal, json otherwise]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    #[command(flatten)]
    pub(crate) dial: Dial,
}

/// Subscribes.
///
/// # Errors
/// No connection, a wrong command line, the peer's refusal, or too few events.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let (way, words) = args.dial.way(args.words)?;
    dial::expect_words(&words, 1, 1, "[URL] PATTERN")?;
    let pattern = &words[0];
    let line = Line::new(args.form.as_deref(), Format::or_fitting(args.output))?;
    let mut interrupts = Interrupts::listen()?;
    let files = args.typing.load()?;
    let client = way.connect().await?;
    let contracts = args.typing.contracts(files, &client).await;
    let with = match args.group {
        Some(group) => SubscribeWith::new().group(group),
        None => SubscribeWith::new(),
    };
    let events = client.events_with(pattern, with).await;
    let mut events = events.map_err(|status| Failure::remote(pattern, &status))?;
    terminal::note("sub", format_args!("subscribed to {pattern} at {}", way.url()));
    let wanted = args.count.unwrap_or(u64::MAX);
    let seen = tokio::select! {
        seen = print_events(&mut events, (&line, contracts.as_ref()), wanted) => seen?,
        () = interrupts.next() => return close(client).await,
        () = units::after(args.wait) => {
            close(client).await?;
            return match args.count {
                Some(wanted) => Err(too_few(wanted, args.wait.unwrap_or_default())),
                None => Ok(()),
            };
        }
    };
    match seen >= wanted {
        true => close(client).await,
        false => Err(Failure::connection(&way.url(), "unavailable", "the subscription has ended")),
    }
}

fn too_few(wanted: u64, wait: Duration) -> Failure {
    let cause = format_args!("fewer than {wanted} events within {wait:?}");
    let next = "wait longer with -W, or check that somebody publishes there";
    Failure::new(Exit::TimedOut, fluxar::Code::DeadlineExceeded.name(), cause, next)
}

async fn close(client: Client) -> Result<(), Failure> {
    client.close().await;
    Ok(())
}

/// Prints until `wanted` events have come or the subscription ends; says how many came.
async fn print_events(
    events: &mut Events,
    (line, contracts): (&Line, Option<&Contracts>),
    wanted: u64,
) -> Result<u64, Failure> {
    let mut seen = 0;
    while seen < wanted {
        let Some(event) = events.next().await else { break };
        seen += 1;
        if event.dropped() > 0 {
            let dropped = event.dropped();
            terminal::note("sub", format_args!("{dropped} events were dropped: too slow here"));
        }
        let payload = payload(&event, contracts);
        terminal::data_line(line.render(event.topic(), &payload, event.retained(), seen))?;
    }
    Ok(seen)
}

/// How an event is printed.
#[derive(Debug, PartialEq)]
enum Line {
    Json,
    Text,
    Form(Vec<Part>),
}

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Topic,
    Payload,
    Number,
    Time,
    /// A JSON pointer.
    Field(String),
}

impl Line {
    fn new(form: Option<&str>, format: Format) -> Result<Self, Failure> {
        match (form, format) {
            (Some(form), _) => parse_form(form).map(Self::Form).map_err(|wrong| {
                let next = "use {topic}, {payload}, {count}, {time} or {json .path}";
                Failure::usage(format_args!("-F: {{{wrong}}} is unknown"), next)
            }),
            (None, Format::Json) => Ok(Self::Json),
            (None, Format::Text) => Ok(Self::Text),
        }
    }

    fn render(&self, topic: &str, payload: &Value, retained: bool, number: u64) -> String {
        match self {
            Self::Json if retained => {
                json!({ "topic": topic, "payload": payload, "retained": true }).to_string()
            }
            Self::Json => json!({ "topic": topic, "payload": payload }).to_string(),
            Self::Text => format!("{topic} {}", bare(payload)),
            Self::Form(parts) => {
                let parts = parts.iter().map(|part| match part {
                    Part::Text(text) => text.clone(),
                    Part::Topic => topic.to_owned(),
                    Part::Payload => bare(payload),
                    Part::Number => number.to_string(),
                    Part::Time => milliseconds_since_1970().to_string(),
                    Part::Field(path) => payload.pointer(path).map(bare).unwrap_or_default(),
                });
                parts.collect()
            }
        }
    }
}

/// The payload as JSON, by its type where the topic has one and the event is of it. What is no CBOR
/// is shown as the bytes it is.
fn payload(event: &Message, contracts: Option<&Contracts>) -> Value {
    let bytes = || Json::of_bytes(event.bytes()).0;
    let topic = contracts.and_then(|contracts| contracts.topic_at(event.topic()));
    let Some((model, topic)) = topic else {
        return event.payload::<Json>().map_or_else(|_| bytes(), |json| json.0);
    };
    let Ok(value) = event.payload::<fluxar::Value>() else { return bytes() };
    let typed = Types::new(model).read(&topic.payload, &value);
    typed.unwrap_or_else(|_| as_it_is(&value))
}

/// A text without its quotes, anything else as JSON.
fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn parse_form(form: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = form;
    while let Some(start) = rest.find('{') {
        let Some(length) = rest[start..].find('}') else { break };
        let inside = &rest[start + 1..start + length];
        parts.push(Part::Text(rest[..start].to_owned()));
        parts.push(match inside.trim() {
            "topic" => Part::Topic,
            "payload" => Part::Payload,
            "count" => Part::Number,
            "time" => Part::Time,
            other => match other.strip_prefix("json ").map(str::trim) {
                Some(path) if path.starts_with('.') => {
                    Part::Field(path.trim_end_matches('.').replace('.', "/"))
                }
                _ => return Err(inside.to_owned()),
            },
        });
        rest = &rest[start + length + 1..];
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(form: &str) -> String {
        let line = Line::new(Some(form), Format::Json).unwrap();
        line.render("a.b", &json!({"t": 21, "who": {"name": "Ann"}}), false, 3)
    }

    #[test]
    fn a_form_takes_parts_of_the_event() {
        assert_eq!(form("{count} {topic}: {json .t}"), "3 a.b: 21");
        assert_eq!(form("{json .who.name}"), "Ann");
        assert_eq!(form("{json .who}"), r#"{"name":"Ann"}"#);
        assert_eq!(form("{json .none}|{json .}"), r#"|{"t":21,"who":{"name":"Ann"}}"#);
        assert_eq!(form("open {"), "open {");
    }

    #[test]
    fn an_unknown_part_is_refused() {
        assert!(Line::new(Some("{who}"), Format::Json).is_err());
        assert!(Line::new(Some("{json t}"), Format::Json).is_err());
    }

    #[test]
    fn lines_without_a_form() {
        let payload = json!("hi");
        assert_eq!(Line::Text.render("a", &payload, false, 1), "a hi");
        let json = Line::Json.render("a", &payload, true, 1);
        assert_eq!(json, r#"{"topic":"a","payload":"hi","retained":true}"#);
    }
}

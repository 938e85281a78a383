//! Whole sessions: two engines that are told what the vectors say must send exactly their bytes.

use crate::receiver::{NOW, Side};
use crate::vectors::{cases, check_all, hex, unhex};
use bytes::Bytes;
use fluxar::engine::Role;
use fluxar::engine::event::{Event, PublishOptions, Request, SubscribeOptions};
use fluxar::engine::session::auth::Identity;
use fluxar::{Code, Limits, Status};
use serde_json::{Value, json};

/// The vectors are of peers that offer nothing beyond the base.
pub(crate) fn plain() -> Limits {
    let mut limits = Limits::default();
    limits.numbered_keys = false;
    limits
}

/// A side, what it has sent that no step has named yet, and what it has learned.
struct Player {
    side: Side,
    pending: Vec<u8>,
}

#[test]
fn whole_sessions_go_byte_by_byte_as_the_vectors_say() {
    check_all(&cases("session", |file| file == "exchanges"), |case| {
        let mut dialer = player(Role::Dialer);
        let mut acceptor = player(Role::Acceptor);
        for (index, step) in case.json["steps"].as_array().unwrap().iter().enumerate() {
            run(step, &mut dialer, &mut acceptor).map_err(|why| format!("step {index}: {why}"))?;
        }
        dialer.is_done()?;
        acceptor.is_done()
    });
}

fn player(role: Role) -> Player {
    Player { side: Side::new(role, plain()), pending: Vec::new() }
}

fn run(step: &Value, dialer: &mut Player, acceptor: &mut Player) -> Result<(), String> {
    let at = step["from"].as_str().or_else(|| step["at"].as_str()).unwrap();
    let (here, there) = if at == "dialer" { (dialer, acceptor) } else { (acceptor, dialer) };
    if let Some(text) = step["hex"].as_str() {
        let bytes = unhex(text);
        here.collect();
        if !here.pending.starts_with(&bytes) {
            return Err(format!("{at} sends {}, not {text}", hex(&here.pending)));
        }
        here.pending.drain(..bytes.len());
        there.side.take(&bytes);
        return Ok(());
    }
    match step["do"].as_str() {
        Some(what) => here.act(what, step),
        None => here.learns(step["event"].as_str().unwrap(), step),
    }
}

impl Player {
    fn collect(&mut self) {
        self.pending.extend(self.side.sends());
    }

    /// Nothing was sent or learned beside the steps.
    fn is_done(&mut self) -> Result<(), String> {
        self.collect();
        let rest: Vec<&Event> =
            self.side.events.iter().filter(|event| told(event).is_some()).collect();
        if !self.pending.is_empty() || !rest.is_empty() {
            return Err(format!("at the end: {} {rest:?}", hex(&self.pending)));
        }
        Ok(())
    }

    fn act(&mut self, what: &str, step: &Value) -> Result<(), String> {
        let engine = &mut self.side.engine;
        let id = step["id"].as_str().map_or(0, |id| id.parse().unwrap());
        let payload = step["payload"].as_str().map(unhex);
        let error = status(&step["error"]);
        let text = |name: &str| step[name].as_str().unwrap_or_default();
        let request =
            Request { target: text("target"), payload: payload.as_deref(), ..Request::default() };
        let credit = step["credit"].as_u64().map(|credit| u32::try_from(credit).unwrap());
        let minted = match what {
            "accept" => {
                engine.accept(NOW, Identity::anonymous());
                None
            }
            "refuse" => {
                engine.refuse(NOW, &error.unwrap());
                None
            }
            "call" => Some(engine.call(NOW, &request).unwrap()),
            "notify" => {
                engine.notify(NOW, &request).unwrap();
                None
            }
            "notification_ended" => {
                engine.notification_ended(NOW);
                None
            }
            "respond" => {
                let outcome = match &error {
                    Some(status) => Err(status),
                    None => Ok(payload.as_deref().unwrap_or_default()),
                };
                engine.respond(NOW, id, outcome);
                None
            }
            "cancel" => {
                engine.cancel(NOW, id);
                None
            }
            "open" => {
                let half_closed = step["half_closed"].as_bool().unwrap();
                Some(engine.open_stream(NOW, &request, half_closed, credit).unwrap())
            }
            "item" => {
                engine.send_item(NOW, id, payload.as_deref().unwrap()).unwrap();
                None
            }
            "consumed" => {
                engine.consumed(NOW, id, usize::try_from(step["bytes"].as_u64().unwrap()).unwrap());
                None
            }
            "end" => {
                engine.end_stream(NOW, id, Ok(payload.as_deref()));
                None
            }
            "ping" => Some(engine.ping(NOW)),
            "close" => {
                engine.close(NOW, None);
                None
            }
            "abort" => {
                engine.close(NOW, Some(&error.unwrap()));
                None
            }
            _ => return self.act_on_topics(what, step, id, credit),
        };
        self.side.drain();
        minted_as(minted, id)
    }

    fn act_on_topics(
        &mut self,
        what: &str,
        step: &Value,
        id: u64,
        credit: Option<u32>,
    ) -> Result<(), String> {
        let engine = &mut self.side.engine;
        let payload = Bytes::from(unhex(step["payload"].as_str().unwrap_or_default()));
        let text = |name: &str| step[name].as_str().unwrap();
        let mut minted = None;
        match what {
            "subscribe" => {
                let options = SubscribeOptions { credit, ..SubscribeOptions::default() };
                minted = Some(engine.subscribe(NOW, text("pattern"), &options).unwrap());
            }
            "unsubscribe" => engine.unsubscribe(NOW, id),
            "grant" => engine.grant(NOW, id),
            "deliver" => {
                let retained = step["retained"].as_bool().unwrap();
                let options = PublishOptions::new().retain(retained);
                engine.deliver(NOW, id, text("topic"), &payload, &options);
            }
            "publish" => {
                let options = PublishOptions::default();
                engine.publish(NOW, text("topic"), &payload, &options).unwrap();
            }
            other => panic!("no step {other}"),
        }
        self.side.drain();
        minted_as(minted, id)
    }

    fn learns(&mut self, what: &str, step: &Value) -> Result<(), String> {
        let events = &mut self.side.events;
        while events.first().is_some_and(|event| told(event).is_none()) {
            events.remove(0);
        }
        if events.is_empty() {
            return Err(format!("does not learn {what}"));
        }
        let event = events.remove(0);
        let (name, fields) = told(&event).unwrap();
        let fits = name == what
            && fields.as_object().unwrap().iter().all(|(key, value)| step[key] == *value);
        if fits { Ok(()) } else { Err(format!("learns {event:?}, not {step}")) }
    }
}

fn minted_as(minted: Option<u64>, id: u64) -> Result<(), String> {
    match minted {
        Some(minted) if minted != id => Err(format!("minted {minted}, not {id}")),
        _ => Ok(()),
    }
}

fn status(json: &Value) -> Option<Status> {
    let number = u8::try_from(json["code"].as_u64()?).unwrap();
    Some(Status::new(Code::from_number(number), json["message"].as_str().unwrap()))
}

fn payload_or_error(outcome: Result<Option<&Bytes>, &Status>) -> (String, Value) {
    match outcome {
        Ok(payload) => ("payload".into(), json!(payload.map(|bytes| hex(bytes)))),
        Err(status) => {
            let error = json!({ "code": status.code().number(), "message": status.message() });
            ("error".into(), error)
        }
    }
}

/// An event as the vectors write it; `None` for those that they leave out.
fn told(event: &Event) -> Option<(&'static str, Value)> {
    let bytes = |payload: &Option<Bytes>| json!(payload.as_ref().map(|bytes| hex(bytes)));
    Some(match event {
        Event::Authenticate { credential, .. } => {
            ("authenticate", json!({ "scheme": credential.scheme() }))
        }
        Event::Ready { .. } => ("ready", json!({})),
        Event::Call { id: Some(id), target, payload, .. } => (
            "call",
            json!({ "id": id.to_string(), "target": target.as_str(), "payload": bytes(payload) }),
        ),
        Event::Call { id: None, target, payload, .. } => {
            ("notification", json!({ "target": target.as_str(), "payload": bytes(payload) }))
        }
        Event::Response { id, outcome } => {
            let (key, value) = payload_or_error(outcome.as_ref().map(Some));
            ("response", json!({ "id": id.to_string(), key: value }))
        }
        Event::Cancelled { id, .. } => ("cancelled", json!({ "id": id.to_string() })),
        Event::Stream { id, target, payload, half_closed, .. } => (
            "stream",
            json!({
                "id": id.to_string(), "target": target.as_str(),
                "payload": bytes(payload), "half_closed": half_closed,
            }),
        ),
        // Each step brings one message, so that no items run together.
        Event::Items { id, items } => {
            let mut items = items.iter();
            let item = items.next().filter(|_| items.next().is_none());
            ("item", json!({ "id": id.to_string(), "payload": hex(item.expect("one item")) }))
        }
        Event::StreamEnd { id, outcome } => {
            let (key, value) = payload_or_error(outcome.as_ref().map(Option::as_ref));
            ("end", json!({ "id": id.to_string(), key: value }))
        }
        Event::Subscribe { id, pattern, .. } => {
            ("subscribe", json!({ "id": id.to_string(), "pattern": pattern.as_str() }))
        }
        Event::Granted { id } => ("granted", json!({ "id": id.to_string() })),
        Event::Unsubscribed { id } => ("unsubscribed", json!({ "id": id.to_string() })),
        Event::SubscriptionEnd { id, .. } => ("subscription_end", json!({ "id": id.to_string() })),
        Event::Delivery { id, topic, payload, retained, .. } => (
            "delivery",
            json!({
                "id": id.to_string(), "topic": topic.as_ref().map(|topic| topic.as_str()),
                "payload": hex(payload), "retained": retained,
            }),
        ),
        Event::Publish { topic, payload, .. } => {
            ("publish", json!({ "topic": topic.as_str(), "payload": hex(payload) }))
        }
        Event::Pong { id } => ("pong", json!({ "id": id.to_string() })),
        Event::Closed { .. } => ("closed", json!({})),
        _ => return None,
    })
}

#[test]
fn large_and_small_calls_reach_the_other_side_in_any_mix() {
    // [L3.id.4], [L1.order.1], [L1.order.3]: whatever waits for whatever, no id looks used.
    let mut dialer = Side::new(Role::Dialer, plain());
    let mut acceptor = Side::new(Role::Acceptor, plain());
    acceptor.take(&dialer.sends());
    acceptor.engine.accept(NOW, Identity::anonymous());
    dialer.take(&acceptor.sends());
    let fragment = 16 << 10;
    let mut sent = 0;
    for size in (fragment - 200..fragment + 200).chain([200 << 10, 0, 100 << 10, 1]) {
        let payload = vec![7; size];
        for payload in [&payload[..], b"small"] {
            let request = Request { target: "a.b", payload: Some(payload), ..Request::default() };
            dialer.engine.call(NOW, &request).unwrap();
            sent += 1;
        }
        acceptor.take(&dialer.sends());
    }
    let calls = acceptor.events.iter().filter(|event| matches!(event, Event::Call { .. })).count();
    assert_eq!(calls, sent, "{:?}", acceptor.events.last());
}

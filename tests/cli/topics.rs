//! `fluxar pub` and `fluxar sub`, over `fluxar serve` as a broker.

use crate::rig::{Peer, Running, fluxar, run};

fn broker() -> Peer {
    Peer::start(&["serve", "ws://127.0.0.1:0"])
}

fn subscriber(args: &[&str]) -> Running {
    let mut running = Running::start(fluxar(args));
    running.err.wait_for("subscribed to");
    running
}

#[test]
fn events_go_from_pub_to_sub() {
    let broker = broker();
    let sub = subscriber(&["sub", &broker.url, "sensors.*.temp", "-C", "3"]);
    let event = r#"{"n":{{count}},"t":{{rand 18 25}}}"#;
    run(&["pub", &broker.url, "sensors.{{count}}.temp", event, "--count", "3", "--rate", "100/s"])
        .ok();
    let said = sub.finish().ok();
    for (index, line) in said.json_lines().iter().enumerate() {
        assert_eq!(line["topic"], format!("sensors.{}.temp", index + 1));
        assert_eq!(line["payload"]["n"], index + 1);
        assert!((18..=25).contains(&line["payload"]["t"].as_i64().unwrap()), "{line}");
    }
    assert_eq!(said.stdout.lines().count(), 3);
}

#[test]
fn a_form_shapes_the_lines() {
    let broker = broker();
    let form = "{count} {topic} {json .user.name}";
    let sub = subscriber(&["sub", &broker.url, "users.>", "-C", "1", "-F", form]);
    run(&["pub", &broker.url, "users.new.today", r#"{"user":{"name":"Ann"}}"#]).ok();
    assert_eq!(sub.finish().ok().stdout, "1 users.new.today Ann\n");
}

#[test]
fn a_retained_value_waits_for_its_subscriber_and_can_be_cleared() {
    let broker = broker();
    run(&["pub", &broker.url, "config.limits", r#"{"max":10}"#, "--retain"]).ok();
    let late = run(&["sub", &broker.url, "config.limits", "-C", "1"]).ok();
    let line = &late.json_lines()[0];
    assert_eq!((&line["payload"]["max"], &line["retained"]), (&10.into(), &true.into()));
    run(&["pub", &broker.url, "config.limits", "--retain"]).ok();
    let sub = subscriber(&["sub", &broker.url, "config.limits", "-C", "1"]);
    run(&["pub", &broker.url, "config.limits", "7"]).ok();
    assert_eq!(sub.finish().ok().json_lines()[0]["payload"], 7);
}

#[test]
fn a_group_shares_the_events() {
    let broker = broker();
    let member =
        || subscriber(&["sub", &broker.url, "jobs.new", "--group", "w", "-F", "{payload}"]);
    let (one, two) = (member(), member());
    run(&["pub", &broker.url, "jobs.new", "{{count}}", "--count", "10"]).ok();
    let everyone = subscriber(&["sub", &broker.url, "jobs.>", "-C", "1"]);
    run(&["pub", &broker.url, "jobs.new", "0"]).ok();
    everyone.finish().ok();
    one.interrupt();
    two.interrupt();
    let (one, two) = (one.finish().ok(), two.finish().ok());
    let mut all: Vec<u32> =
        [one.stdout, two.stdout].concat().lines().map(|line| line.parse().unwrap()).collect();
    all.sort_unstable();
    assert_eq!(all, (0..=10).collect::<Vec<_>>());
}

#[test]
fn too_few_events_in_time_are_a_failure_and_time_alone_is_not() {
    let broker = broker();
    run(&["sub", &broker.url, "quiet", "-C", "1", "-W", "50ms"]).failed(4, "deadline_exceeded");
    run(&["sub", &broker.url, "quiet", "-W", "50ms"]).ok();
}

#[test]
fn wrong_events_are_found_before_anything_is_sent() {
    let broker = broker();
    run(&["pub", &broker.url, "a.b", "{no json}"]).failed(2, "usage");
    run(&["pub", &broker.url, "a.b", "{{uuid}}"]).failed(2, "usage");
    run(&["pub", &broker.url]).failed(2, "usage");
    run(&["sub", &broker.url, "a.b", "-F", "{who}"]).failed(2, "usage");
}

#[test]
fn the_end_of_the_peer_ends_a_subscription_with_exit_code_5() {
    let broker = broker();
    let sub = subscriber(&["sub", &broker.url, "a.b"]);
    broker.running.interrupt();
    let said = sub.finish();
    assert_eq!(said.code, Some(5), "{said:#?}");
    broker.running.finish().ok();
}

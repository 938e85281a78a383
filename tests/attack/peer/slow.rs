//! Row 14: one subscriber of many takes nothing.

use super::attacker::Attacker;
use super::{Node, check, measured, soon, until};
use crate::wire;
use fluxar::{Client, Events, Limits};

const GOOD: usize = 20;
const EVENTS: usize = 10_000;
const BATCH: usize = 50;

#[test]
fn row_14_one_stuck_subscriber_delays_and_costs_nobody() {
    measured(async |watch| {
        let node = Node::start(Limits::default()).await;
        let mut clients: Vec<(Client, Events)> = Vec::new();
        for _ in 0..GOOD {
            let client = node.good_client().await;
            let events = soon("a subscription", client.events("news.*")).await.expect("granted");
            clients.push((client, events));
        }
        // It has credit for everything, and reads nothing.
        let mut stuck = Attacker::connect(&node.address).await;
        stuck.send(&wire::subscribe(3, "news.*", 1 << 31)).await;
        until("it is ready", || node.server.peers().len() == GOOD + 1).await;
        let payload = "x".repeat(1_000);
        watch.restart();
        for batch in 0..EVENTS / BATCH {
            for number in 0..BATCH {
                let topic = format!("news.{}", batch * BATCH + number);
                node.server.publish(&topic, &payload).expect("a topic");
            }
            for (_, events) in &mut clients {
                for number in 0..BATCH {
                    let message = soon("an event", events.next()).await.expect("the session lives");
                    assert_eq!(message.topic(), format!("news.{}", batch * BATCH + number));
                    assert_eq!(message.dropped(), 0, "nobody else loses anything");
                }
            }
        }
        // The stuck one's outbox and queue; each good one's window is used up to half, at both ends.
        let limits = Limits::default();
        let stuck_most = (limits.outbox_soft_bytes + limits.subscription_bytes_max) as usize;
        let good_most = 2 * limits.initial_credit as usize + limits.outbox_soft_bytes as usize;
        let bound = 2 * stuck_most + GOOD * good_most;
        assert!(watch.peak() <= bound, "{} bytes", watch.peak());
        for (client, _) in &clients {
            check(client).await;
        }
        stuck.cut();
        until("it is gone", || node.server.peers().len() == GOOD).await;
        drop(clients);
        node.stop().await;
    });
}

#[test]
fn row_14_small_events_do_not_run_dry() {
    measured(async |_| {
        let node = Node::start(Limits::default()).await;
        let client = node.good_client().await;
        let mut events = soon("a subscription", client.events("tick")).await.expect("granted");
        // Many times the credit of a subscription, a byte each.
        for _ in 0..400 {
            for _ in 0..100 {
                node.server.publish("tick", &1_u8).expect("a topic");
            }
            for _ in 0..100 {
                let message = soon("an event", events.next()).await.expect("the session lives");
                assert_eq!(message.dropped(), 0);
            }
        }
        drop(events);
        node.stop().await;
    });
}

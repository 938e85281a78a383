//! Row 30: sessions that are cut while everything is open leave nothing behind.

use super::attacker::Attacker;
use super::{Node, check, descriptors, measured, tasks, until};
use crate::memory::{KIB, MIB};
use crate::wire::{self, CALL, Message, STREAM};
use fluxar::Limits;

const SESSIONS: usize = 1_200;
const AT_ONCE: usize = 40;

/// Calls, streams both ways, subscriptions, half a message and half a frame.
fn everything() -> Vec<u8> {
    let half = Message::new(CALL).id(9).target("echo").payload(&[0x61; 50 * KIB]);
    let fragments = half.fragments(1, 16 * KIB);
    [
        Message::new(CALL).id(3).target("hang").frame(),
        Message::new(STREAM).id(5).target("sink").frame(),
        wire::item(5, b"\x61x"),
        wire::subscribe(7, "news.>", 10),
        fragments[..40 * KIB].to_vec(),
    ]
    .concat()
}

#[test]
fn row_30_cut_sessions_leave_no_task_descriptor_or_memory() {
    measured(async |watch| {
        let node = Node::start(Limits::default()).await;
        let good = node.good_client().await;
        check(&good).await;
        // What a first round leaves in pools and tables is not a leak; every later one must add none.
        let mut after_first = None;
        let (before_tasks, before_files) = (tasks(), descriptors());
        for round in 0..SESSIONS / AT_ONCE {
            let mut open = Vec::new();
            for _ in 0..AT_ONCE {
                let mut attacker = Attacker::connect(&node.address).await;
                assert!(attacker.send(&everything()).await);
                open.push(attacker);
            }
            let handlers = before_tasks + 2 * AT_ONCE;
            until("their handlers run", || tasks() >= handlers).await;
            node.server.publish("news.all", "an event").expect("a topic");
            for (number, attacker) in open.into_iter().enumerate() {
                if number % 2 == 0 {
                    attacker.cut();
                }
            }
            until("their tasks end", || tasks() <= before_tasks).await;
            until("their sockets close", || descriptors() <= before_files).await;
            assert_eq!(node.server.peers().len(), 1, "only the good client is left");
            check(&good).await;
            if round == 0 {
                watch.restart();
                after_first = Some(watch.held());
            }
        }
        assert_eq!(after_first, Some(0));
        assert!(watch.held() <= MIB, "{} bytes grew over {SESSIONS} sessions", watch.held());
        node.stop().await;
    });
}

#[test]
fn row_30_a_stopped_node_leaves_nothing() {
    measured(async |_| {
        let (before_tasks, before_files) = (tasks(), descriptors());
        for _ in 0..10 {
            let node = Node::start(Limits::default()).await;
            let good = node.good_client().await;
            check(&good).await;
            let mut attacker = Attacker::connect(&node.address).await;
            attacker.send(&everything()).await;
            attacker.cut();
            drop(good);
            node.stop().await;
            until("its tasks end", || tasks() <= before_tasks).await;
            until("its sockets close", || descriptors() <= before_files).await;
        }
    });
}

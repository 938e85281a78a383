//! Rows 5, 6, 8, 9, 11 and 16, against a node with tasks: one attacker, one good client.

use super::attacker::{Attacker, assert_told};
use super::{Node, check, measured, soon, tasks, until};
use crate::memory::MIB;
use crate::wire::{self, CALL, CANCEL, Message, cancel, ping};
use fluxar::{Code, Limits};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A call with the CBOR of nothing as its parameters.
fn hang(id: u64) -> Vec<u8> {
    Message::new(CALL).id(id).target("hang").frame()
}

#[test]
fn row_05_06_broken_frames_end_only_their_sender() {
    measured(async |_| {
        let node = Node::start(Limits::default()).await;
        let good = node.good_client().await;
        check(&good).await;
        let before = tasks();
        for (frame, code, rule) in [
            (wire::frame(1, &[0; 1000]), Code::Unimplemented, "L1.flags.2"),
            (vec![0xff; 4], Code::ResourceExhausted, "L1.len.3"),
            (wire::frame(0, &[0x87, 2, 0x1b]), Code::InvalidArgument, "L3.cbor.9"),
            (Message::new(8).frame(), Code::InvalidArgument, "L3.kind.1"),
            (wire::grant(3, 0), Code::InvalidArgument, "L3.ack.2"),
        ] {
            let mut attacker = Attacker::connect(&node.address).await;
            attacker.send(&frame).await;
            assert_told(attacker.told().await, code, rule);
            check(&good).await;
        }
        until("nothing is left of them", || tasks() <= before).await;
        node.stop().await;
    });
}

#[test]
fn row_08_rapid_reset_keeps_its_tasks_within_the_limit() {
    measured(async |watch| {
        let node = Node::start(Limits::default()).await;
        let good = node.good_client().await;
        check(&good).await;
        let before = tasks();
        watch.restart();
        let attacker = Attacker::connect(&node.address).await;
        let mut id = 1;
        let mut most = 0;
        let told = attacker.flood(|| {
            most = most.max(tasks());
            let first = id;
            id += 200;
            let pairs = (first + 2..=id).step_by(2).flat_map(|id| [hang(id), cancel(id)].concat());
            (id < 400_000).then(|| pairs.collect())
        });
        assert_told(told.await, Code::ResourceExhausted, "L4.calm.1");
        let limit = Limits::default().calls_max as usize;
        assert!(most <= before + limit + 8, "{most} tasks");
        assert!(watch.peak() <= 16 * MIB, "{} bytes", watch.peak());
        check(&good).await;
        until("nothing is left of it", || tasks() <= before).await;
        node.stop().await;
    });
}

#[test]
fn row_08_opening_without_end_is_answered_at_the_limit() {
    measured(async |_| {
        let node = Node::start(Limits::default()).await;
        let good = node.good_client().await;
        check(&good).await;
        let before = tasks();
        let attacker = Attacker::connect(&node.address).await;
        let mut id = 1;
        let mut most = 0;
        let told = attacker.flood(|| {
            most = most.max(tasks());
            let first = id;
            id += 200;
            let opens = (first + 2..=id).step_by(2).flat_map(hang);
            (id < 400_000).then(|| opens.collect())
        });
        assert_told(told.await, Code::ResourceExhausted, "L4.calm.1");
        assert!(most <= before + Limits::default().calls_max as usize + 8, "{most} tasks");
        check(&good).await;
        until("nothing is left of it", || tasks() <= before).await;
        node.stop().await;
    });
}

#[test]
fn row_09_unserved_targets_and_bad_parameters_are_answers() {
    measured(async |_| {
        let node = Node::start(Limits::default()).await;
        let good = node.good_client().await;
        let before = tasks();
        let answer = good.call::<_, String>("no.such", &1).await.expect_err("nobody serves it");
        assert_eq!(answer.code(), Code::Unimplemented);
        let answer = good.call::<_, String>("echo", &1).await.expect_err("not a string");
        assert_eq!(answer.code(), Code::InvalidArgument);
        // Ten thousand of each from one who reads nothing: neither tasks nor memory pile up.
        let mut attacker = Attacker::connect(&node.address).await;
        let mut id = 1;
        for _ in 0..100 {
            let calls = (0..100).flat_map(|_| {
                id += 4;
                let unserved = wire::call(id - 2, "no.such");
                let bad = Message::new(CALL).id(id).target("echo").payload(b"\xff").frame();
                [unserved, bad].concat()
            });
            if !attacker.send(&calls.collect::<Vec<u8>>()).await {
                break;
            }
            let limit = Limits::default().calls_max as usize;
            assert!(tasks() <= before + limit + 8, "{} tasks", tasks());
        }
        check(&good).await;
        attacker.cut();
        until("nothing is left of it", || tasks() <= before).await;
        node.stop().await;
    });
}

#[test]
fn row_11_large_answers_to_one_who_does_not_read() {
    measured(async |watch| {
        let mut limits = Limits::default();
        limits.calls_max = 64;
        limits.heartbeat = Duration::from_secs(1);
        limits.stall_timeout = Duration::from_secs(1);
        let node = Node::start(limits.clone()).await;
        let good = node.good_client().await;
        check(&good).await;
        let before = tasks();
        watch.restart();
        let mut attacker = Attacker::connect(&node.address).await;
        let size = [&[0x1a][..], &(MIB as u32 - 100).to_be_bytes()].concat();
        for id in (3..131).step_by(2) {
            let call = Message::new(CALL).id(id).target("large").payload(&size).frame();
            assert!(attacker.send(&call).await);
        }
        until("all have their answer", || node.large.load(Ordering::Relaxed) == 64).await;
        check(&good).await;
        // An answer waits in its handler until there is room: one for each call that may be open,
        // beside what the outbox and a batch hold.
        let bound = (limits.calls_max as usize + 4) * MIB + limits.outbox_bytes_max as usize;
        assert!(watch.peak() <= bound, "{} bytes", watch.peak());
        // And not for long: who takes nothing is given up.
        until("it is given up", || node.server.peers().len() == 1).await;
        until("nothing is left of it", || tasks() <= before).await;
        assert!(watch.held() <= MIB, "{} bytes left", watch.held());
        check(&good).await;
        drop(attacker);
        node.stop().await;
    });
}

#[test]
fn row_16_a_ping_flood_ends_in_calm() {
    measured(async |watch| {
        let node = Node::start(Limits::default()).await;
        let good = node.good_client().await;
        check(&good).await;
        watch.restart();
        let attacker = Attacker::connect(&node.address).await;
        let mut id = 1;
        let told = attacker.flood(|| {
            let first = id;
            id += 200;
            let pings = (first + 2..=id).step_by(2).flat_map(ping);
            (id < 200_000).then(|| pings.collect())
        });
        assert_told(told.await, Code::ResourceExhausted, "L4.calm.1");
        assert!(watch.peak() <= 4 * MIB, "{} bytes", watch.peak());
        soon("a ping", good.ping()).await.expect("a good client's ping is answered");
        // A polite goodbye ends politely: no error.
        let mut attacker = Attacker::connect(&node.address).await;
        attacker.send(&Message::new(CANCEL).frame()).await;
        assert_eq!(attacker.told().await, None);
        node.stop().await;
    });
}

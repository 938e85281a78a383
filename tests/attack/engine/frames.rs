//! Rows 5 and 6: frames that announce too much, never end, or hide their size.

use crate::memory::{self, KIB, MIB};
use crate::victim::Victim;
use crate::wire::{self, EVENT, GROUP, MORE, Message, VOLATILE, frame};
use fluxar::{Code, Limits};

/// A group's fragment that is not the last; `group` below 64.
fn fragment(group: u8, body: &[u8]) -> Vec<u8> {
    frame(VOLATILE | GROUP | MORE, &[&[group], body].concat())
}

#[test]
fn row_05_a_compressed_or_sealed_frame_is_refused_unread() {
    let mut watch = memory::alone();
    // 1 KiB that claims to be compressed: whatever it would become, it is not looked at.
    for (flags, rule) in [
        (1, "L1.flags.2"),
        (2, "L1.flags.2"),
        (3, "L1.flags.2"),
        (4, "L1.flags.3"),
        (8, "L1.flags.4"),
    ] {
        let bomb = frame(flags, &[0; KIB]);
        let mut victim = Victim::ready();
        watch.restart();
        victim.feed(&bomb);
        assert!(watch.peak() <= 16 * KIB, "{} bytes", watch.peak());
        victim.assert_closed_by(Code::Unimplemented, rule);
    }
    let mut victim = Victim::fresh(Limits::default());
    victim.feed(&frame(VOLATILE | 1, &[0; KIB]));
    victim.assert_closed_by(Code::Unimplemented, "L1.flags.2");
}

#[test]
fn row_06_a_length_above_the_limit_is_refused_by_its_four_bytes() {
    let mut watch = memory::alone();
    for length in [(1 << 20) + 1_u32, 1 << 24, u32::MAX] {
        let mut victim = Victim::ready();
        watch.restart();
        victim.feed(&length.to_be_bytes());
        assert!(watch.peak() <= 4 * KIB, "{} bytes", watch.peak());
        victim.assert_closed_by(Code::ResourceExhausted, "L1.len.3");
    }
    for length in [(16 << 10) + 1_u32, 1 << 20, u32::MAX] {
        let mut victim = Victim::fresh(Limits::default());
        watch.restart();
        victim.feed(&length.to_be_bytes());
        assert!(watch.peak() <= 4 * KIB, "{} bytes", watch.peak());
        victim.assert_closed_by(Code::ResourceExhausted, "L1.len.4");
    }
    let mut victim = Victim::ready();
    victim.feed(&[0; 4]);
    victim.assert_closed_by(Code::InvalidArgument, "L1.len.2");
}

#[test]
fn row_06_a_frame_that_drips_costs_what_has_come() {
    let mut watch = memory::alone();
    let event = Message::new(EVENT).target("a").payload(&vec![7; 40 * KIB]).frame();
    let mut victim = Victim::ready();
    victim.events = Some(Vec::with_capacity(4));
    watch.restart();
    for (count, byte) in event.iter().enumerate() {
        victim.feed(&[*byte]);
        let bound = 2 * count + 64 * KIB + 64 * KIB;
        assert!(watch.held() <= bound, "{} bytes held for {count}", watch.held());
    }
    assert_eq!(victim.events.map(|events| events.len()), Some(1), "and it is a message at last");
}

#[test]
fn row_06_unfinished_groups_are_bounded_in_number() {
    let mut watch = memory::alone();
    let mut victim = Victim::ready();
    let groups: Vec<u8> = (1..=32).flat_map(|group| fragment(group, &[0x87])).collect();
    watch.restart();
    victim.feed(&groups);
    assert!(victim.closed.is_none(), "as many as were declared");
    assert!(watch.held() <= 16 * KIB, "{} bytes for 32 of one byte", watch.held());
    victim.feed(&fragment(33, &[0x87]));
    victim.assert_closed_by(Code::ResourceExhausted, "L1.group.3");
    assert!(watch.held() <= 16 * KIB, "the groups are forgotten: {} bytes", watch.held());
}

#[test]
fn row_06_unfinished_groups_are_bounded_in_bytes() {
    let mut watch = memory::alone();
    let mut limits = Limits::default();
    limits.message_bytes_max = MIB as u32;
    limits.reassembly_bytes_max = 2 * MIB as u32;
    let bound = limits.reassembly_bytes_max as usize;
    let mut victim = Victim::with(limits, Limits::default(), crate::victim::all_rights());
    let parts: Vec<Vec<u8>> = (1..=8).map(|group| fragment(group, &vec![0; 60 * KIB])).collect();
    watch.restart();
    'full: for _ in 0..10 {
        for part in &parts {
            victim.feed(part);
            // Vectors grow by doubling.
            let most = 2 * bound + 256 * KIB;
            assert!(watch.held() <= most, "{} bytes held", watch.held());
            if victim.closed.is_some() {
                break 'full;
            }
        }
    }
    victim.assert_closed_by(Code::ResourceExhausted, "L1.group.4");
    assert!(watch.held() <= 256 * KIB, "the groups are forgotten: {} bytes", watch.held());
    // One message above its own limit.
    let mut limits = Limits::default();
    limits.message_bytes_max = 64 * KIB as u32;
    let mut victim = Victim::with(limits, Limits::default(), crate::victim::all_rights());
    victim.feed(&fragment(1, &vec![0; 60 * KIB]));
    victim.feed(&fragment(1, &vec![0; 5 * KIB]));
    victim.assert_closed_by(Code::ResourceExhausted, "L1.group.5");
}

#[test]
fn row_06_frames_without_a_body_do_not_pass() {
    let _watch = memory::alone();
    let empty = frame(VOLATILE | GROUP | MORE, &[1]);
    let mut victim = Victim::ready();
    victim.feed(&empty.repeat(1_000));
    victim.assert_closed_by(Code::InvalidArgument, "L1.body.1");
    let mut victim = Victim::ready();
    victim.feed(&frame(0, &[]).repeat(1_000));
    victim.assert_closed_by(Code::InvalidArgument, "L1.body.1");
}

#[test]
fn row_06_half_a_frame_is_not_held_for_ever() {
    let mut watch = memory::alone();
    let frame = Message::new(EVENT).target("a").payload(&vec![7; 512 * KIB]).frame();
    let halves = [
        frame[..256 * KIB].to_vec(),
        (1..=16).flat_map(|group| fragment(group, &vec![0; 16 * KIB])).collect(),
    ];
    for (what, half) in ["frame", "groups"].iter().zip(halves) {
        let mut victim = Victim::ready();
        watch.restart();
        victim.feed(&half);
        // A byte now and then is life, but no progress: five minutes of it must not hold memory.
        let mut minutes_left = 5 * 60 / 5;
        while victim.closed.is_none() && minutes_left > 0 {
            victim.pass(std::time::Duration::from_secs(5));
            let drip = if *what == "frame" { vec![7] } else { wire::publish("a", b"") };
            victim.feed(&drip);
            minutes_left -= 1;
        }
        assert!(victim.closed.is_some(), "half a {what} was held for five minutes");
        assert!(watch.held() <= 600 * KIB, "{} bytes held", watch.held());
    }
}

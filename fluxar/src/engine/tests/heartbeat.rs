//! Signs of life, and what their absence means.

use super::pair::{Pair, request};
use super::raw::{ACK, Raw, call, last_words};
use crate::config::Limits;
use crate::engine::event::Event;
use crate::engine::session::auth::Identity;
use crate::engine::session::phase::Phase;
use crate::error::Code;
use std::time::Duration;

fn beating(dialer: u64, acceptor: u64) -> Pair {
    let limits = |seconds| Limits { heartbeat: Duration::from_secs(seconds), ..Limits::default() };
    Pair::with(limits(dialer), limits(acceptor), Identity::anonymous())
}

/// Time passes in quarter seconds; counts the batches of the dialer's that hold nothing but a
/// heartbeat. `speak` says whether it says something else then.
fn heartbeats(pair: &mut Pair, seconds: u32, speak: impl Fn(u32) -> bool) -> usize {
    let mut beats = 0;
    for quarter in 0..seconds * 4 {
        pair.now = pair.now + Duration::from_millis(250);
        if speak(quarter) {
            pair.dialer.engine.notify(pair.now, &request("a.b", b"")).expect("room");
        }
        pair.dialer.engine.handle_timeout(pair.now);
        let batch = pair.dialer.transmit();
        beats += usize::from(batch == Raw::of(ACK).frame());
        pair.reach_acceptor(&batch);
        pair.acceptor.take();
        pair.acceptor.engine.handle_timeout(pair.now);
        let back = pair.acceptor.transmit();
        pair.reach_dialer(&back);
    }
    beats
}

/// `[L4.beat.1]`: a silent side beats, often enough, and both stay alive.
#[test]
fn idle_sessions_live() {
    let mut pair = beating(10, 10);
    let beats = heartbeats(&mut pair, 120, |_| false);
    assert!((12..=24).contains(&beats), "{beats} in 120 s");
    assert_eq!(pair.dialer.engine.phase(), Phase::Ready);
    assert_eq!(pair.acceptor.engine.phase(), Phase::Ready);
}

/// `[L4.beat.1]`: a heartbeat goes only into silence.
#[test]
fn whoever_speaks_does_not_beat() {
    let mut pair = beating(10, 10);
    assert_eq!(heartbeats(&mut pair, 60, |quarter| quarter % 4 == 0), 0);
}

/// `[L4.beat.1]`: the smaller interval of both counts, and none is below a second.
#[test]
fn the_interval_is_the_smaller_one() {
    for (dialer, acceptor) in [(2, 30), (30, 2)] {
        let mut pair = beating(dialer, acceptor);
        let beats = heartbeats(&mut pair, 60, |_| false);
        assert!((30..=60).contains(&beats), "{beats} in 60 s");
    }
    let mut pair = beating(0, 10);
    let beats = heartbeats(&mut pair, 60, |_| false);
    assert!((60..=120).contains(&beats), "{beats} in 60 s");
}

/// `[L4.beat.2]`: silence for 2.5 intervals is a lost peer; any byte is life.
#[test]
fn silence() {
    let mut pair = beating(10, 10);
    pair.now = pair.now + Duration::from_secs(24);
    pair.acceptor.engine.handle_timeout(pair.now);
    assert_eq!(pair.acceptor.engine.phase(), Phase::Ready);
    pair.reach_acceptor(&[0]);
    pair.now = pair.now + Duration::from_secs(24);
    pair.acceptor.engine.handle_timeout(pair.now);
    assert_eq!(pair.acceptor.engine.phase(), Phase::Ready, "a byte came");
    pair.now = pair.now + Duration::from_secs(6);
    pair.acceptor.engine.handle_timeout(pair.now);
    let events = pair.acceptor.take();
    assert!(
        matches!(&events[..], [Event::Closed { reason: Some(status) }]
            if status.message().starts_with("[L4.beat.2]")),
        "{events:?}"
    );
}

/// `[L4.bound.4]`: a peer that lives but takes nothing for 30 s is given up; one that takes a
/// little is not.
#[test]
fn stalled_and_slow() {
    for takes in [true, false] {
        let mut pair = Pair::ready();
        pair.reach_acceptor(&call(3).frame());
        pair.acceptor.engine.respond(pair.now, 3, Ok(&vec![0; 8 << 20]));
        for _ in 0..40 {
            pair.now = pair.now + Duration::from_secs(1);
            pair.reach_acceptor(&Raw::of(ACK).frame());
            if takes {
                pair.acceptor.transmit();
            }
            pair.acceptor.engine.handle_timeout(pair.now);
        }
        let phase = pair.acceptor.engine.phase();
        assert_eq!(phase, if takes { Phase::Ready } else { Phase::Closed });
        assert!(takes || last_words(&pair.acceptor.transmit()).0 == Code::ResourceExhausted);
    }
}

/// `poll_timeout` names a time at which something happens, and `handle_timeout` moves it on.
#[test]
fn timeouts_move_on() {
    let mut pair = Pair::ready();
    let mut last = pair.now;
    for _ in 0..100 {
        let due = pair.dialer.engine.poll_timeout().expect("a live session has a timer");
        assert!(due > last, "the timer does not stand still");
        last = due;
        pair.now = due;
        pair.reach_dialer(&Raw::of(ACK).frame());
        pair.dialer.engine.handle_timeout(due);
        pair.dialer.transmit();
        pair.dialer.take();
    }
}

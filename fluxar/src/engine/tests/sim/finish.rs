//! How a run ends: everything that is open finishes, or is cut off, and nothing is left behind.

use super::ledger::{CALLEE, OPENER, OneWay};
use super::world::{Ending, World};
use crate::engine::session::phase::Phase;
use crate::error::{Code, Status};
use std::time::Duration;

/// Rounds without any move after which a run is stuck.
const QUIET_ROUNDS_MAX: u32 = 400;

impl World {
    /// Both applications do what they like.
    pub(super) fn live(&mut self) {
        for _ in 0..self.rng.range(20, 300) {
            self.step();
        }
    }

    pub(super) fn finish(&mut self) {
        match self.rng.below(100) {
            0..40 => self.finish_alive(),
            40..62 => self.finish_by_goodbye(),
            62..66 => self.finish_overdue(),
            66..88 => self.finish_by_cut(),
            _ => self.finish_by_abort(),
        }
        self.check_the_end();
    }

    /// The end of a session that may not be ready yet.
    pub(super) fn break_off(&mut self) {
        match self.rng.below(3) {
            0 => self.finish_by_cut(),
            1 => self.finish_by_abort(),
            _ => self.finish_overdue(),
        }
        self.check_the_end();
    }

    /// The applications do their duty until nothing is open but subscriptions.
    fn settle(&mut self) {
        let mut quiet = 0;
        while !self.is_settled() {
            let moves = self.moves;
            for side in 0..2 {
                self.work_off(side);
            }
            self.carry();
            self.tick();
            quiet = if self.moves == moves { quiet + 1 } else { 0 };
            if quiet > QUIET_ROUNDS_MAX {
                self.stuck();
            }
        }
    }

    fn stuck(&self) -> ! {
        for call in self.ledger.calls.iter().filter(|call| call.answered.is_none()) {
            eprintln!("{call:?}");
        }
        for stream in self.ledger.streams.iter().filter(|open| !open.over_for_opener()) {
            eprintln!("{stream:?}");
        }
        for side in &self.sides {
            eprintln!("{:?} {} open", side.engine.phase(), side.engine.open_items());
        }
        panic!("nothing moves, and not all is at its end");
    }

    fn is_settled(&self) -> bool {
        let done = |side: &super::world::Side| {
            let engine = &side.engine;
            let subscriptions =
                engine.subscriptions.outbound_len() + engine.subscriptions.inbound_len();
            let open = engine.open_items() - subscriptions;
            let said = engine.outbox_bytes() == 0 && engine.fx.out.replay.is_empty();
            let linked = engine.phase() != Phase::Detached;
            open == 0 && said && linked && engine.heartbeat.pong_due.is_none()
        };
        let quiet = self.sides.iter().all(done) && self.pipes.iter().all(|pipe| pipe.is_empty());
        match self.ending {
            Ending::Alive => {
                let asked = self.ledger.subscriptions.iter();
                let decided = asked.filter(|open| !open.end_heard).all(|open| open.granted);
                quiet && decided && !self.is_broken()
            }
            _ => self.is_over(),
        }
    }

    fn is_over(&self) -> bool {
        self.sides.iter().all(|side| side.down && side.closed.is_some())
    }

    /// What an application does when it wants to be done.
    fn work_off(&mut self, side: usize) {
        if self.sides[side].closed.is_some() {
            return;
        }
        for id in self.serving(side) {
            if self.rng.chance(self.diligence) {
                self.respond(side, id);
            }
        }
        while self.sides[side].notifications > 0 {
            self.end_notification(side);
        }
        self.consume_some(side);
        self.decide(side, false);
        for id in self.sending(side) {
            let stream = self.ledger.stream(id).expect("it is open");
            let way = stream.out_of(side);
            // A sender that has to wait must be told, sooner or later.
            if stream.ways[way].waiting {
                continue;
            }
            let opener_is_done = stream.ways[OPENER].heard;
            if self.rng.chance(20) {
                self.send(side, id);
            } else if way == OPENER || opener_is_done || self.rng.chance(10) {
                self.end(side, id);
            }
        }
        self.drain(side);
    }

    fn consume_all(&mut self) {
        let left = |world: &Self| {
            world.ledger.subscriptions.iter().any(|open| !open.unconsumed.is_empty())
        };
        while left(self) || !self.is_settled() {
            for side in 0..2 {
                self.consume_some(side);
            }
            self.carry();
            self.tick();
        }
    }

    /// Nobody says anything for a minute, which harms nobody.
    fn idle(&mut self) {
        let until = self.now + Duration::from_secs(60);
        while self.now < until {
            self.carry();
            self.tick_within(until.since(self.now));
        }
    }

    fn finish_alive(&mut self) {
        self.settle();
        self.consume_all();
        if self.rng.chance(5) {
            self.idle();
            self.settle();
        }
        for side in 0..2 {
            let this = &self.sides[side];
            assert!(!this.blocked, "{side} was never told that it may go on");
            assert_eq!(this.ping, None, "{side} was never answered");
            assert_eq!(this.engine.assembler.held(), (0, 0));
            assert_eq!(this.engine.fx.out.open_groups(), (0, 0));
            let committed = [true, false].map(|ours| this.engine.streams.committed(ours));
            assert_eq!(committed, [0, 0], "credit leaks");
        }
        self.count_notifications();
        self.count_events();
        for side in 0..2 {
            let ours = self.ledger.subscriptions.iter();
            let open = ours.filter(|open| open.by == side && !open.end_heard && !open.left);
            for id in open.map(|open| open.id).collect::<Vec<_>>() {
                self.leave(side, id);
            }
        }
        self.settle();
        for side in &self.sides {
            assert_eq!(side.engine.open_items(), 0, "something leaks");
        }
        self.finish_by_goodbye();
        for side in &self.sides {
            assert_eq!(side.closed, Some(None));
        }
    }

    /// Those that did not come were dropped, and counted.
    fn count_notifications(&self) {
        for side in 0..2 {
            let unseen = self.ledger.oneways[1 - side].iter();
            let unseen = unseen.filter(|one| matches!(one, OneWay::Notification { .. })).count();
            let skipped = self.ledger.skipped[side] + unseen as u64;
            let dropped = self.sides[side].engine.notifications_dropped();
            assert_eq!(skipped, dropped, "a notification is lost");
        }
    }

    /// What came and what was dropped is all that was offered.
    fn count_events(&mut self) {
        for side in 0..2 {
            for id in self.served_subscriptions(side) {
                self.deliver_any(side, id, 9, false);
            }
            self.drain(side);
        }
        self.settle();
        self.consume_all();
        for open in self.ledger.subscriptions.iter().filter(|open| !open.over && !open.left) {
            if open.granted && !open.end_heard {
                let counted = open.received + open.dropped;
                assert_eq!(counted, open.offered, "{}: events without a trace", open.id);
            }
        }
    }

    /// A goodbye, after which nobody finishes anything: the session ends all the same.
    fn finish_overdue(&mut self) {
        self.say_goodbye();
        for _ in 0..50_000 {
            if self.is_over() {
                return;
            }
            self.carry();
            self.tick_within(Duration::from_millis(20));
        }
        panic!("a drain without an end");
    }

    fn say_goodbye(&mut self) {
        self.ending = Ending::Goodbye;
        let both = self.rng.chance(30);
        let first = self.rng.below(2) as usize;
        for side in [first, 1 - first] {
            if side == first || both {
                self.note(|| format!("{side} says goodbye"));
                self.sides[side].engine.close(self.now, None);
                self.drain(side);
            }
        }
    }

    fn finish_by_goodbye(&mut self) {
        self.mend();
        self.say_goodbye();
        for _ in 0..self.rng.below(60) {
            self.step();
        }
        self.settle();
        assert!(self.unknown.is_empty(), "lost over a goodbye: {:?}", self.unknown);
        self.count_notifications();
        for stream in &self.ledger.streams {
            let end = stream.ways[CALLEE].ended.is_some() || stream.never || !stream.executed;
            assert!(end, "{} was broken off", stream.id);
        }
    }

    fn finish_by_cut(&mut self) {
        self.ending = Ending::Cut;
        self.give_up_links();
        let first = self.rng.below(2) as usize;
        for side in [first, 1 - first] {
            let kept = self.pipes[1 - side].cut(&mut self.rng);
            if !kept.is_empty() {
                self.feed(side, &kept);
            }
            self.pipes[side].closed = true;
            self.pipes[side].cut(&mut self.rng);
            for _ in 0..self.rng.below(5) {
                self.step_of(1 - side);
            }
            self.link_down(side);
        }
        self.wait_for_nobody();
    }

    fn step_of(&mut self, side: usize) {
        if self.sides[side].closed.is_none() {
            self.work_off(side);
        }
    }

    fn finish_by_abort(&mut self) {
        self.ending = Ending::Abort;
        let side = self.rng.below(2) as usize;
        self.note(|| format!("{side} aborts"));
        let status = Status::new(Code::Internal, "the application broke");
        self.sides[side].engine.close(self.now, Some(&status));
        self.drain(side);
        for _ in 0..50_000 {
            if self.is_over() {
                return;
            }
            if self.rng.chance(20) {
                self.step_of(1 - side);
            }
            self.carry();
            self.tick();
        }
        panic!("the abort does not arrive");
    }

    fn check_the_end(&mut self) {
        // Handlers of notifications end in their own time.
        for side in 0..2 {
            while self.sides[side].notifications > 0 {
                self.end_notification(side);
            }
        }
        for side in &self.sides {
            let engine = &side.engine;
            assert_eq!(engine.phase(), Phase::Closed);
            assert!(side.closed.is_some(), "nobody told that the session is over");
            assert_eq!(engine.open_items(), 0, "something is open in a closed session");
            assert_eq!(engine.poll_timeout(), None);
            assert_eq!(engine.outbox_bytes(), 0);
            assert_eq!(engine.assembler.held(), (0, 0));
            assert_eq!([true, false].map(|ours| engine.streams.committed(ours)), [0, 0]);
            assert_eq!(engine.subscriptions.wildcards(), 0);
        }
        for id in &self.unknown {
            let sent = self.sniffers.iter().any(|sniffer| sniffer.opened.contains(id));
            assert!(sent, "{id} was never sent, which its caller was not told");
        }
    }
}

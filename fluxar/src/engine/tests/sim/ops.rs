//! What the two applications do at random.

use super::ledger::{
    Asker, CALLEE, Call, Direction, OPENER, Offer, OneWay, Outcome, Stamp, Stream, Subscription,
};
use super::world::World;
use crate::engine::event::{
    Delivered, Overflow, PublishOptions, Refusal, Request, SubscribeOptions,
};
use crate::engine::session::auth::pattern_matches;
use crate::engine::session::phase::Phase;
use crate::engine::time::Time;
use crate::error::{Code, Status};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;

const TOPICS: [&str; 3] = ["t.a", "t.b", "u.a.b"];
const PATTERNS: [&str; 6] = ["t.a", "t.b", "u.a.b", "t.*", "u.>", ">"];

impl World {
    /// One step of a run: an application does something, bytes move, or time passes.
    pub(super) fn step(&mut self) {
        let side = self.rng.below(2) as usize;
        if self.relink.is_on && self.rng.chance(2) {
            self.break_link();
        }
        match self.rng.below(10) {
            0..6 => self.act(side),
            6 => self.transmit(side),
            7 => self.receive(side),
            8 => self.tick(),
            _ if self.rng.chance(5) => {
                let until = self.now + Duration::from_millis(self.rng.range(1, 400));
                self.pipes[side].stall(until);
            }
            _ => self.carry(),
        }
    }

    fn act(&mut self, side: usize) {
        if !self.sides[side].ready || self.sides[side].closed.is_some() {
            return;
        }
        let open = !self.sides[side].blocked;
        match self.rng.below(100) {
            0..14 if open => self.make_call(side),
            14..18 if open => self.notify(side),
            18..23 if open => self.open_stream(side),
            23..26 if open => self.subscribe(side),
            26..30 if open => self.publish(side),
            30..44 => self.respond_some(side),
            44..47 => self.end_notification(side),
            47..51 => self.give_up_call(side),
            51..70 => self.send_some(side),
            70..75 => self.end_some(side),
            75..77 => self.give_up_stream(side),
            77..86 => self.consume_some(side),
            86..90 => self.decide_some(side),
            90..95 => self.deliver_some(side),
            95..97 => self.leave_some(side),
            97..99 => self.ping(side),
            _ => {}
        }
        self.drain(side);
    }

    /// Says something, if there is room.
    pub(super) fn say(&mut self, side: usize) {
        let may = self.sides[side].ready && self.sides[side].closed.is_none();
        match self.rng.below(10) {
            _ if !may => {}
            0..2 if !self.sides[side].blocked => self.make_call(side),
            2..6 if !self.sides[side].blocked => self.notify(side),
            6 if !self.sides[side].blocked => self.publish(side),
            7 => self.respond_some(side),
            _ => self.send_some(side),
        }
        self.drain(side);
    }

    /// A length that the peer of `side` surely takes, or surely does not.
    fn len(&mut self, side: usize) -> usize {
        let max = self.sides[1 - side].limits.message_bytes_max as usize;
        let len = self.rng.size();
        if len <= max && len + 600 > max { max - 600 } else { len }
    }

    fn too_long(&self, side: usize, len: usize) -> bool {
        len > self.sides[1 - side].limits.message_bytes_max as usize
    }

    fn deadline(&mut self) -> Option<Time> {
        let longest = if self.rng.chance(50) { 40 } else { 300 };
        let millis = self.rng.range(1, longest);
        self.rng.chance(25).then(|| self.now + Duration::from_millis(millis))
    }

    /// A command of `side` was blocked, and so nothing more is opened until it is told.
    fn block(&mut self, side: usize, full: bool) {
        let writable = self.sides[side].engine.is_writable();
        assert!(full || !writable, "blocked with room");
        self.sides[side].blocked = true;
    }

    /// A command was refused: since the session takes nothing new any more, or as `expected`.
    fn refused(&self, side: usize, status: &Status, expected: bool) {
        let draining = self.sides[side].engine.phase() != Phase::Ready;
        let unavailable = draining && status.code() == Code::Unavailable;
        assert!(unavailable || expected, "{status}");
    }

    // ---- calls

    fn make_call(&mut self, side: usize) {
        let len = self.len(side);
        let request = self.ledger.stamp(len);
        let deadline = self.deadline();
        let (target, payload) = (format!("call.{}", request.tag), request.bytes());
        let asked =
            Request { target: &target, payload: Some(&payload), deadline, ..Request::default() };
        let max = self.sides[1 - side].limits.calls_max as usize;
        let engine = &mut self.sides[side].engine;
        let writable = engine.has_room(engine.next_id, payload.len());
        let full = engine.calls.outbound_len() >= max;
        match engine.call(self.now, &asked) {
            Ok(id) => {
                assert!(writable && !full && !self.too_long(side, len));
                self.note(|| format!("{side} calls {id} with {len} bytes until {deadline:?}"));
                self.ledger.calls.push(Call {
                    by: side,
                    id,
                    request,
                    made: self.now,
                    deadline,
                    asker: Asker::Waits,
                    cancelled: false,
                    executed: false,
                    never: false,
                    told_cancel: None,
                    callee_deadline: None,
                    answered: None,
                });
            }
            Err(Refusal::Blocked) => self.block(side, full),
            Err(Refusal::Status(status)) => {
                self.refused(side, &status, self.too_long(side, len));
            }
        }
    }

    fn notify(&mut self, side: usize) {
        let len = self.len(side);
        self.notify_of(side, len);
    }

    /// Fills a link with messages that go at once.
    pub(super) fn pour(&mut self, side: usize) {
        for _ in 0..self.rng.range(5, 60) {
            let may = self.sides[side].ready && self.sides[side].closed.is_none();
            let most = self.sides[1 - side].limits.message_bytes_max as usize - 600;
            let len = self.rng.range(1, 4_000) as usize;
            if may && !self.sides[side].blocked {
                self.notify_of(side, len.min(most));
            }
            self.transmit(side);
        }
    }

    fn notify_of(&mut self, side: usize, len: usize) {
        let stamp = self.ledger.stamp(len);
        let (target, payload) = (format!("note.{}", stamp.tag), stamp.bytes());
        let asked = Request { target: &target, payload: Some(&payload), ..Request::default() };
        match self.sides[side].engine.notify(self.now, &asked) {
            Ok(()) => {
                self.ledger.oneways[side].push_back(OneWay::Notification { target, stamp });
            }
            Err(Refusal::Blocked) => self.block(side, false),
            Err(Refusal::Status(status)) => {
                self.refused(side, &status, self.too_long(side, len));
            }
        }
    }

    fn respond_some(&mut self, side: usize) {
        let serving = self.serving(side);
        if let Some(id) = self.rng.pick(&serving) {
            self.respond(side, id);
        }
    }

    pub(super) fn respond(&mut self, side: usize, id: u64) {
        let well = self.rng.chance(80);
        let len = self.len(side);
        let (stamp, too_long) = (self.ledger.stamp(len), self.too_long(side, len));
        let call = self.ledger.call(id).expect("a call in hand");
        let engine = &mut self.sides[side].engine;
        let outcome = if well {
            engine.respond(self.now, id, Ok(&stamp.bytes()));
            result(call.told_cancel, stamp, too_long)
        } else {
            engine.respond(self.now, id, Err(&Status::new(Code::NotFound, "no such thing")));
            Outcome::Failed(call.told_cancel.unwrap_or(Code::NotFound))
        };
        call.answered = Some(outcome);
        self.note(|| format!("{side} answers {id}: {outcome:?}"));
        self.drain(side);
    }

    pub(super) fn end_notification(&mut self, side: usize) {
        if self.sides[side].notifications > 0 {
            self.sides[side].notifications -= 1;
            self.sides[side].engine.notification_ended(self.now);
            self.drain(side);
        }
    }

    fn give_up_call(&mut self, side: usize) {
        let waits = |call: &&Call| call.by == side && call.asker == Asker::Waits;
        let open: Vec<u64> = self.ledger.calls.iter().filter(waits).map(|call| call.id).collect();
        let Some(id) = self.rng.pick(&open) else { return };
        let abandon = self.rng.chance(50);
        self.note(|| format!("{side} gives up {id}, for good: {abandon}"));
        let call = self.ledger.call(id).expect("a call of ours");
        call.cancelled = true;
        if abandon {
            call.asker = Asker::Abandoned;
            self.sides[side].engine.abandon(self.now, id);
        } else {
            self.sides[side].engine.cancel(self.now, id);
        }
    }

    // ---- streams

    fn open_stream(&mut self, side: usize) {
        let len = self.rng.below(500) as usize;
        let request = self.ledger.stamp(len);
        let deadline = self.deadline();
        let (target, payload) = (format!("stream.{}", request.tag), request.bytes());
        let asked =
            Request { target: &target, payload: Some(&payload), deadline, ..Request::default() };
        let half_closed = self.rng.chance(40);
        let credit_max = if self.rng.chance(50) { 30_000 } else { 300 };
        let credit = self.rng.range(1, credit_max) as u32;
        let credit = self.rng.chance(50).then_some(credit);
        let window = u64::from(credit.unwrap_or(self.sides[side].limits.initial_credit));
        let there = &self.sides[1 - side].limits;
        let (max, callee_window) = (there.streams_max as usize, u64::from(there.initial_credit));
        let engine = &mut self.sides[side].engine;
        let writable = engine.has_room(engine.next_id, payload.len());
        let full = engine.streams.outbound_len() >= max;
        let room =
            engine.streams.committed(true) + window <= self.sides[side].limits.session_credit_max;
        match engine.open_stream(self.now, &asked, half_closed, credit) {
            Ok(id) => {
                assert!(writable && !full && room);
                self.note(|| format!("{side} opens {id}, {window} there, {callee_window} back"));
                let ended = half_closed.then_some(Outcome::Nothing);
                let opener = Direction {
                    window: callee_window,
                    ended,
                    heard: half_closed,
                    ..Direction::default()
                };
                self.ledger.streams.push(Stream {
                    by: side,
                    id,
                    request,
                    deadline,
                    half_closed,
                    executed: false,
                    never: false,
                    cancelled: false,
                    told_cancel: None,
                    callee_deadline: None,
                    orphaned: false,
                    ways: [opener, Direction { window, ..Direction::default() }],
                });
            }
            Err(Refusal::Blocked) => self.block(side, full),
            Err(Refusal::Status(status)) => self.refused(side, &status, !room),
        }
    }

    /// Streams in which `side` may still send.
    pub(super) fn sending(&self, side: usize) -> Vec<u64> {
        let mut open = Vec::new();
        for stream in &self.ledger.streams {
            let way = &stream.ways[stream.out_of(side)];
            let may =
                if stream.by == side { !stream.over_for_opener() } else { stream.is_served() };
            if may && way.ended.is_none() && self.sides[side].closed.is_none() {
                open.push(stream.id);
            }
        }
        open
    }

    fn send_some(&mut self, side: usize) {
        let open = self.sending(side);
        if let Some(id) = self.rng.pick(&open) {
            for _ in 0..self.rng.range(1, 6) {
                self.send(side, id);
            }
        }
    }

    pub(super) fn send(&mut self, side: usize, id: u64) {
        let len = self.len(side);
        let (stamp, too_long) = (self.ledger.stamp(len), self.too_long(side, len));
        let stream = self.ledger.stream(id).expect("an open stream");
        let way = stream.out_of(side);
        if stream.ways[way].waiting {
            return;
        }
        let engine = &mut self.sides[side].engine;
        let writable = engine.has_room(id, len);
        match engine.send_item(self.now, id, &stamp.bytes()) {
            Ok(()) => {
                assert!(writable && !too_long, "{id}: sent without room");
                stream.ways[way].sent(stamp, id);
            }
            Err(Refusal::Blocked) => stream.ways[way].waiting = true,
            Err(Refusal::Status(status)) => {
                let stopped = way == CALLEE && stream.told_cancel.is_some();
                assert!(stopped || too_long, "{id}: {status}");
            }
        }
    }

    fn end_some(&mut self, side: usize) {
        let open = self.sending(side);
        if let Some(id) = self.rng.pick(&open) {
            self.end(side, id);
        }
    }

    pub(super) fn end(&mut self, side: usize, id: u64) {
        let kind = self.rng.below(4);
        let len = self.len(side);
        let (stamp, too_long) = (self.ledger.stamp(len), self.too_long(side, len));
        let stream = self.ledger.stream(id).expect("an open stream");
        let way = stream.out_of(side);
        let engine = &mut self.sides[side].engine;
        let outcome = match kind {
            0 => {
                engine.end_stream(self.now, id, Err(&Status::new(Code::Aborted, "broken off")));
                let told = if way == CALLEE { stream.told_cancel } else { None };
                let own = (way == OPENER && stream.cancelled).then_some(Code::Cancelled);
                Outcome::Failed(told.or(own).unwrap_or(Code::Aborted))
            }
            1 if way == CALLEE => {
                engine.end_stream(self.now, id, Ok(Some(&stamp.bytes())));
                result(stream.told_cancel, stamp, too_long)
            }
            _ => {
                engine.end_stream(self.now, id, Ok(None));
                let told = if way == CALLEE { stream.told_cancel } else { None };
                overruled(told).unwrap_or(Outcome::Nothing)
            }
        };
        stream.ways[way].ended = Some(outcome);
        if way == CALLEE {
            stream.ways[OPENER].muted = true;
        }
        self.note(|| format!("{side} ends {id}: {outcome:?}"));
        self.drain(side);
    }

    fn give_up_stream(&mut self, side: usize) {
        let waits = |stream: &&Stream| stream.by == side && !stream.over_for_opener();
        let open: Vec<u64> = self.ledger.streams.iter().filter(waits).map(|open| open.id).collect();
        let Some(id) = self.rng.pick(&open) else { return };
        let abandon = self.rng.chance(50);
        self.note(|| format!("{side} gives up {id}, for good: {abandon}"));
        let stream = self.ledger.stream(id).expect("a stream of ours");
        stream.cancelled = true;
        if abandon {
            stream.ways[OPENER].ended.get_or_insert(Outcome::Failed(Code::Cancelled));
            stream.ways[CALLEE].muted = true;
            self.sides[side].engine.abandon(self.now, id);
        } else {
            self.sides[side].engine.cancel(self.now, id);
        }
    }

    pub(super) fn consume_some(&mut self, side: usize) {
        let mut taken: Vec<(u64, usize)> = Vec::new();
        for stream in &mut self.ledger.streams {
            let way = 1 - stream.out_of(side);
            if stream.ways[way].muted || self.rng.chance(40) {
                continue;
            }
            let count = self.rng.below(4);
            let ways = &mut stream.ways[way];
            taken.extend((0..count).map_while(|_| ways.consume()).map(|len| (stream.id, len)));
        }
        for open in self.ledger.subscriptions.iter_mut().filter(|open| open.by == side) {
            if self.rng.chance(60)
                && let Some(len) = open.unconsumed.pop_front()
            {
                open.outstanding -= crate::engine::pattern::credit_cost(len);
                taken.push((open.id, len));
            }
        }
        for (id, len) in taken {
            self.sides[side].engine.consumed(self.now, id, len);
        }
        self.drain(side);
    }

    // ---- topics

    fn subscribe(&mut self, side: usize) {
        let pattern = self.rng.pick(&PATTERNS).expect("there are some");
        let policies =
            [Overflow::DropOldest, Overflow::DropNewest, Overflow::Latest, Overflow::Disconnect];
        let overflow = self.rng.pick(&policies).expect("there are some");
        let credit = self.rng.range(1, 3_000) as u32;
        let credit = self.rng.chance(60).then_some(credit);
        let window = u64::from(credit.unwrap_or(self.sides[side].limits.initial_credit));
        let options = SubscribeOptions { group: None, overflow, credit };
        let max = self.sides[1 - side].limits.subscriptions_max as usize;
        let engine = &mut self.sides[side].engine;
        let full = engine.subscriptions.outbound_len() >= max;
        match engine.subscribe(self.now, pattern, &options) {
            Ok(id) => {
                assert!(!full);
                self.note(|| format!("{side} subscribes {id} to {pattern}: {options:?}"));
                self.ledger.subscriptions.push(Subscription {
                    by: side,
                    id,
                    pattern: pattern.to_owned(),
                    overflow,
                    window,
                    asked: None,
                    over: false,
                    left: false,
                    granted: false,
                    end_heard: false,
                    offers: VecDeque::new(),
                    offered: 0,
                    received: 0,
                    dropped: 0,
                    outstanding: 0,
                    unconsumed: VecDeque::new(),
                });
            }
            Err(Refusal::Blocked) => self.block(side, false),
            Err(Refusal::Status(status)) => self.refused(side, &status, full),
        }
    }

    fn decide_some(&mut self, side: usize) {
        let refuse = self.rng.chance(15);
        self.decide(side, refuse);
    }

    /// Grants or refuses what the peer asks for.
    pub(super) fn decide(&mut self, side: usize, refuse: bool) {
        let asks =
            |open: &&mut Subscription| open.by != side && open.asked == Some(false) && !open.over;
        let Some(open) = self.ledger.subscriptions.iter_mut().find(asks) else { return };
        open.asked = Some(true);
        let id = open.id;
        if refuse {
            open.over = true;
            let status = Status::new(Code::NotFound, "no such topic");
            self.sides[side].engine.refuse_subscription(self.now, id, &status);
        } else {
            self.sides[side].engine.grant(self.now, id);
        }
        self.drain(side);
    }

    fn publish(&mut self, side: usize) {
        let len = self.len(side);
        let stamp = self.ledger.stamp(len);
        let topic = self.rng.pick(&TOPICS).expect("there are some");
        let retain = self.rng.chance(30);
        let options = PublishOptions::new().retain(retain);
        match self.sides[side].engine.publish(self.now, topic, &stamp.bytes(), &options) {
            Ok(()) => {
                let topic = topic.to_owned();
                self.ledger.oneways[side].push_back(OneWay::Publication { topic, stamp, retain });
            }
            Err(Refusal::Blocked) => self.block(side, false),
            Err(Refusal::Status(status)) => {
                self.refused(side, &status, self.too_long(side, len));
            }
        }
    }

    /// Subscriptions of the peer's that `side` may deliver to.
    pub(super) fn served_subscriptions(&self, side: usize) -> Vec<u64> {
        let open = |open: &&Subscription| open.by != side && open.asked.is_some() && !open.over;
        self.ledger.subscriptions.iter().filter(open).map(|open| open.id).collect()
    }

    fn deliver_some(&mut self, side: usize) {
        let open = self.served_subscriptions(side);
        let Some(id) = self.rng.pick(&open) else { return };
        let retained = self.rng.chance(30);
        for _ in 0..self.rng.range(1, 5) {
            let len = self.rng.size();
            self.deliver_any(side, id, len, retained);
        }
    }

    pub(super) fn deliver_any(&mut self, side: usize, id: u64, len: usize, retained: bool) {
        let pattern = self.ledger.subscription(id).expect("it is open").pattern.clone();
        let matching: Vec<&str> =
            TOPICS.into_iter().filter(|topic| pattern_matches(&pattern, topic)).collect();
        let topic = self.rng.pick(&matching).expect("each pattern has a topic");
        self.deliver(side, id, topic, len, retained);
    }

    pub(super) fn deliver(
        &mut self,
        side: usize,
        id: u64,
        topic: &str,
        len: usize,
        retained: bool,
    ) {
        let stamp = self.ledger.stamp(len);
        let open = self.ledger.subscription(id).expect("it is open");
        if open.asked.is_none() || open.over {
            return;
        }
        let payload = Bytes::from(stamp.bytes());
        let options = PublishOptions::new().retain(retained);
        let delivered = self.sides[side].engine.deliver(self.now, id, topic, &payload, &options);
        if delivered == Delivered::Gone {
            let closed = self.sides[side].engine.phase() == Phase::Closed;
            assert!(open.overflow == Overflow::Disconnect || open.left || closed, "{id} is gone");
            return;
        }
        open.offers.push_back(Offer { stamp, topic: topic.to_owned(), retained });
        open.offered += 1;
    }

    fn leave_some(&mut self, side: usize) {
        if self.rng.chance(50) {
            let open = self.served_subscriptions(side);
            let Some(id) = self.rng.pick(&open) else { return };
            self.ledger.subscription(id).expect("it is open").over = true;
            let status = Status::new(Code::NotFound, "the topic is gone");
            return self.sides[side].engine.end_subscription(self.now, id, &status);
        }
        let ours = |open: &&Subscription| open.by == side && !open.end_heard && !open.left;
        let open: Vec<u64> =
            self.ledger.subscriptions.iter().filter(ours).map(|open| open.id).collect();
        if let Some(id) = self.rng.pick(&open) {
            self.leave(side, id);
        }
    }

    pub(super) fn leave(&mut self, side: usize, id: u64) {
        self.ledger.subscription(id).expect("it is open").left = true;
        self.sides[side].engine.unsubscribe(self.now, id);
    }

    fn ping(&mut self, side: usize) {
        let id = self.sides[side].engine.ping(self.now);
        self.note(|| format!("{side} pings {id}"));
        if self.sides[side].engine.phase() == Phase::Ready {
            self.sides[side].ping = Some(id);
        }
    }
}

/// What a handler's result becomes on the wire.
fn result(told: Option<Code>, stamp: Stamp, too_long: bool) -> Outcome {
    let said =
        if too_long { Outcome::Failed(Code::ResourceExhausted) } else { Outcome::Payload(stamp) };
    overruled(told).unwrap_or(said)
}

/// A handler that was told of its deadline has nothing more to say.
fn overruled(told: Option<Code>) -> Option<Outcome> {
    told.filter(|code| *code != Code::Cancelled).map(Outcome::Failed)
}

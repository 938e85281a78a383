//! Links that die and are made anew: cut at any byte, half-open, cut again within the HELLOs or in
//! the middle of what is sent again, and links that bring what they carried when others have
//! followed them.

use super::link::Pipe;
use super::rng::Rng;
use super::world::{Ending, World};
use crate::engine::event::Event;
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::{Attachment, LinkFacts};
use crate::engine::tests::pair::config;
use crate::engine::time::Time;
use crate::engine::{Engine, EngineConfig, Role};
use crate::error::{Code, Status};
use bytes::BytesMut;
use std::time::Duration;

/// The acceptor's engine for a link of which nothing is known yet.
#[derive(Debug)]
pub(super) struct Gate {
    engine: Engine,
    inbox: BytesMut,
    decide_at: Option<(Time, [u8; 16])>,
}

impl Gate {
    fn read(&mut self, now: Time, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.inbox.extend_from_slice(bytes);
            self.engine.handle_bytes(now, &mut self.inbox);
        }
    }

    /// What is due is done: the acceptor finds the session, or has none of that name.
    fn tick(&mut self, now: Time, session: &Engine) {
        if self.engine.poll_timeout().is_some_and(|due| due <= now) {
            self.engine.handle_timeout(now);
        }
        let Some((_, name)) = self.decide_at.take_if(|(at, _)| *at <= now) else { return };
        match session.ticket() {
            Some(ticket) if session.session() == name => self.engine.accept_resume(now, ticket),
            _ => self.engine.refuse(now, &Status::new(Code::NotFound, "no such session")),
        }
    }

    /// Takes its events: gives the proof that the link is the session's.
    fn hear(&mut self, now: Time, rng: &mut Rng) -> Option<Attachment> {
        let mut handover = None;
        while let Some(event) = self.engine.poll_event() {
            match event {
                Event::Resume { session, .. } => {
                    let wait = Duration::from_micros(rng.below(20_000));
                    self.decide_at = Some((now + wait, session));
                }
                Event::Handover { attachment } => handover = Some(attachment),
                Event::Closed { .. } => {}
                other => panic!("a gate says {other:?}"),
            }
        }
        handover
    }
}

/// A link that its dialer has lost, and the acceptor has not: what is under way on it still comes,
/// to the engine of the session or to one that does not know yet which session it is of.
#[derive(Debug)]
struct Late {
    there: Pipe,
    gate: Option<Gate>,
    /// The dialer does not know that it is lost, and goes on writing.
    is_written: bool,
}

/// What a run knows about its links.
#[derive(Debug)]
pub(super) struct Relink {
    /// Links die in this run, and sessions do not.
    pub(super) is_on: bool,
    pub(super) cuts: u64,
    pub(super) gate: Option<Gate>,
    /// Newest last. At most one has no gate: the one that the acceptor takes for the session's.
    late: Vec<Late>,
    /// The new link dies, too, in so many rounds.
    break_in: Option<u32>,
    breaks_again: u32,
    redial_at: Option<Time>,
    /// Nobody dials any more.
    is_hopeless: bool,
    drawn: u8,
}

impl Relink {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self {
            is_on: rng.chance(60),
            cuts: 0,
            gate: None,
            late: Vec::new(),
            break_in: None,
            breaks_again: 0,
            redial_at: None,
            is_hopeless: false,
            drawn: 0,
        }
    }

    pub(super) fn goes_on(&self) -> bool {
        !self.is_hopeless
    }

    pub(super) fn due(&self, side: usize) -> Option<Time> {
        if side == 0 {
            return self.redial_at;
        }
        let gates = self.gate.iter().chain(self.late.iter().filter_map(|late| late.gate.as_ref()));
        let decide = gates.clone().filter_map(|gate| gate.decide_at.map(|(at, _)| at));
        let timeouts = gates.filter_map(|gate| gate.engine.poll_timeout());
        let arrivals = self.late.iter().filter_map(|late| late.there.next_arrival());
        decide.chain(timeouts).chain(arrivals).min()
    }
}

/// New links that die at once, in one run.
const BREAKS_AGAIN_MAX: u32 = 6;
/// Links whose dialer has followed another, at once.
const LATE_MAX: usize = 3;

impl World {
    /// No two links draw the same.
    pub(super) fn facts(&mut self) -> LinkFacts {
        self.relink.drawn = self.relink.drawn.wrapping_add(1);
        let random = [self.relink.drawn; 32];
        if !self.relink.is_on {
            return LinkFacts::default().sealing(random);
        }
        let facts = LinkFacts::random(random).sealing(random);
        if self.relink.drawn.is_multiple_of(2) { facts.binding([1; 32]) } else { facts }
    }

    /// Something is cut off and has not found another link.
    pub(super) fn is_broken(&self) -> bool {
        self.sides.iter().any(|side| side.cut_off || side.engine.phase() == Phase::Detached)
    }

    /// The link dies. One side or both may learn of it only by silence.
    pub(super) fn break_link(&mut self) {
        let ready = self.sides.iter().all(|side| side.ready && side.closed.is_none());
        if !ready || self.relink.is_hopeless || self.sides[0].cut_off {
            return;
        }
        if self.rng.chance(40) {
            self.burst();
        }
        self.relink.cuts += 1;
        let polite = self.ending != Ending::Alive;
        let gate = self.relink.gate.take();
        let was_gate = gate.is_some();
        // What is under way may arrive in part, at once or late.
        let mut there = std::mem::replace(&mut self.pipes[0], Pipe::new(&mut self.rng));
        let back = self.pipes[1].cut(&mut self.rng);
        self.pipes[1] = Pipe::new(&mut self.rng);
        self.note(|| format!("the link dies, polite {polite}, within HELLOs {was_gate}"));
        for side in 0..2 {
            self.sides[side].cut_off = true;
        }
        if !back.is_empty() {
            self.feed(0, &back);
        }
        let knows = polite || self.rng.chance(70);
        let lives_on = if was_gate { 50 } else { 60 };
        if !polite && self.rng.chance(lives_on) {
            if self.rng.chance(70) {
                there.drag(self.now, &mut self.rng);
            }
            let has_place = self.relink.late.len() < LATE_MAX;
            if has_place && (was_gate || self.sides[1].engine.phase() != Phase::Detached) {
                self.relink.late.push(Late { there, gate, is_written: !knows });
            }
        } else if !was_gate && self.sides[1].engine.phase() != Phase::Detached {
            let kept = there.cut(&mut self.rng);
            if !kept.is_empty() {
                self.feed(1, &kept);
            }
            self.lose(1);
        }
        if knows {
            self.lose(0);
        }
    }

    /// Both sides have much to say when their link dies, and some of it is on its way.
    fn burst(&mut self) {
        for side in [0, 1] {
            if self.rng.chance(60) {
                self.pipes[side].widen();
                self.pour(side);
            }
            for _ in 0..self.rng.below(40) {
                self.say(side);
                if self.rng.chance(30) {
                    self.transmit(side);
                }
            }
        }
    }

    /// The link that took over dies as well, while everything is sent again.
    pub(super) fn break_again(&mut self) {
        match self.relink.break_in {
            Some(0) => {
                self.relink.break_in = None;
                self.break_link();
            }
            Some(rounds) => self.relink.break_in = Some(rounds - 1),
            None => {}
        }
    }

    /// The dialer goes on over another link.
    pub(super) fn resumed(&mut self, side: usize) {
        let may = matches!(self.ending, Ending::Alive | Ending::Goodbye);
        let again = self.relink.breaks_again < BREAKS_AGAIN_MAX && self.rng.chance(35);
        if side == 0 && may && again {
            self.relink.breaks_again += 1;
            self.relink.break_in = Some(self.rng.below(12) as u32);
        }
    }

    /// A side learns that its link is gone.
    fn lose(&mut self, side: usize) {
        let lives = self.sides[side].closed.is_none();
        if lives {
            let reason = Status::new(Code::Unavailable, "the link was cut");
            self.sides[side].engine.handle_link_down(self.now, &reason);
            self.drain(side);
        }
    }

    /// The engine has given up its link.
    pub(super) fn detached(&mut self, side: usize, reason: &Status) {
        self.note(|| format!("{side} is detached: {}", reason.message()));
        assert!(self.relink.is_on);
        let this = &mut self.sides[side];
        (this.cut_off, this.ping) = (true, None);
        this.inbox.clear();
        if side == 0 {
            self.relink.late.iter_mut().for_each(|late| late.is_written = false);
        } else {
            self.relink.late.retain(|late| late.gate.is_some());
        }
        if side == 0 && !self.relink.is_hopeless {
            let wait = Duration::from_micros(self.rng.range(1, 60_000));
            self.relink.redial_at = Some(self.now + wait);
        }
    }

    pub(super) fn tick_relink(&mut self) {
        if self.relink.redial_at.is_some_and(|at| at <= self.now) {
            self.relink.redial_at = None;
            self.redial();
        }
        let waits = |gate: &Option<Gate>| gate.as_ref().is_some_and(|g| g.decide_at.is_some());
        let waited = waits(&self.relink.gate);
        let late = self.relink.late.iter_mut().filter_map(|late| late.gate.as_mut());
        for gate in self.relink.gate.iter_mut().chain(late) {
            gate.tick(self.now, &self.sides[1].engine);
        }
        if waited && !waits(&self.relink.gate) && self.rng.chance(50) {
            // Where the session stands was said, and now it goes on over the link before.
            self.relink.late.iter_mut().for_each(|late| late.there.hasten(self.now));
        }
        self.hear_gate();
    }

    fn redial(&mut self) {
        if self.sides[0].engine.phase() != Phase::Detached {
            return;
        }
        self.note(|| "0 dials again".to_owned());
        self.pipes = [Pipe::new(&mut self.rng), Pipe::new(&mut self.rng)];
        let limits = self.sides[1].limits.clone();
        let config = EngineConfig { wire: self.wire.clone(), ..config(limits) };
        let mut engine = Engine::new(config, Role::Acceptor, self.now);
        let facts = self.facts();
        engine.handle_link_up_with(self.now, facts);
        self.relink.gate = Some(Gate { engine, inbox: BytesMut::new(), decide_at: None });
        self.relink.break_in = None;
        let facts = self.facts();
        self.sniffers[0].relink();
        self.sides[0].cut_off = false;
        self.sides[0].engine.handle_link_up_with(self.now, facts);
        self.drain(0);
    }

    pub(super) fn transmit_gate(&mut self) {
        let Some(gate) = self.relink.gate.as_mut() else { return };
        let mut batch = Vec::new();
        if gate.engine.poll_transmit(&mut batch) {
            self.moves += 1;
            self.pipes[1].send(self.now, &batch, &mut self.rng);
        } else if gate.engine.phase() == Phase::Closed {
            self.pipes[1].closed = true;
            self.relink.gate = None;
        }
        self.hear_gate();
    }

    pub(super) fn receive_gate(&mut self) {
        let bytes = self.pipes[0].receive(self.now, &mut self.rng);
        let Some(gate) = self.relink.gate.as_mut() else { return };
        gate.read(self.now, &bytes);
        self.moves += u64::from(!bytes.is_empty());
        self.hear_gate();
    }

    fn hear_gate(&mut self) {
        let Some(gate) = self.relink.gate.as_mut() else { return };
        let Some(attachment) = gate.hear(self.now, &mut self.rng) else { return };
        let Some(gate) = self.relink.gate.take() else { return };
        if self.sides[1].closed.is_some() {
            self.pipes[1].closed = true;
            return;
        }
        let goes_on = self.attach(gate, &attachment);
        assert!(goes_on, "nobody else could have it");
        self.sides[1].cut_off = false;
    }

    /// The link of a gate becomes the session's, unless another is newer.
    fn attach(&mut self, mut gate: Gate, attachment: &Attachment) -> bool {
        let seal = gate.engine.take_link_seal();
        let engine = &mut self.sides[1].engine;
        let goes_on = match seal {
            Some(seal) => engine.attach_sealed(self.now, attachment, seal),
            None => engine.attach(self.now, attachment),
        };
        self.note(|| format!("1 is resumed: {goes_on}"));
        if !goes_on {
            return false;
        }
        self.moves += 1;
        // What the link before still brings is nobody's.
        self.relink.late.retain(|late| late.gate.is_some());
        self.sniffers[1].relink();
        let this = &mut self.sides[1];
        this.inbox.clear();
        (this.ping, this.down) = (None, false);
        self.drain(1);
        self.feed(1, &gate.inbox);
        true
    }

    pub(super) fn transmit_into_nothing(&mut self, side: usize) {
        let written = self.relink.late.iter().rposition(|late| late.is_written && side == 0);
        if written.is_some_and(|at| !self.relink.late[at].there.has_room()) {
            return;
        }
        match self.write(side) {
            Some(batch) => {
                if let Some(at) = written {
                    self.relink.late[at].there.send(self.now, &batch, &mut self.rng);
                }
            }
            None => self.sides[side].down |= self.sides[side].closed.is_some(),
        }
        self.drain(side);
    }

    /// What lost links still bring, as long as nothing says that they are dead.
    pub(super) fn carry_late(&mut self) {
        let mut at = 0;
        while at < self.relink.late.len() {
            let late = &mut self.relink.late[at];
            let bytes = late.there.receive(self.now, &mut self.rng);
            let Some(gate) = late.gate.as_mut() else {
                if !bytes.is_empty() && self.sides[1].engine.phase() != Phase::Detached {
                    self.moves += 1;
                    self.feed(1, &bytes);
                }
                at += 1;
                continue;
            };
            gate.read(self.now, &bytes);
            // Nobody hears what it says.
            gate.engine.poll_transmit(&mut Vec::new());
            let attachment = gate.hear(self.now, &mut self.rng);
            let is_over = gate.engine.phase() == Phase::Closed;
            let Some(attachment) = attachment else {
                if is_over {
                    self.relink.late.remove(at);
                } else {
                    at += 1;
                }
                continue;
            };
            let mut late = self.relink.late.remove(at);
            if let Some(gate) = late.gate.take()
                && self.sides[1].closed.is_none()
                && self.attach(gate, &attachment)
            {
                // The session is on a link that goes one way.
                self.sides[1].cut_off = true;
                self.relink.late.insert(0, late);
            }
        }
    }

    /// Both sides find each other again: whoever says goodbye into nothing waits for its own time
    /// to be over.
    pub(super) fn mend(&mut self) {
        for _ in 0..5_000 {
            if !self.is_broken() {
                return;
            }
            self.carry();
            self.tick();
        }
        panic!("no link is found");
    }

    /// No link will be made any more.
    pub(super) fn give_up_links(&mut self) {
        self.relink.is_hopeless = true;
        self.relink.redial_at = None;
        if self.relink.gate.take().is_some() {
            self.sides[0].cut_off = true;
            self.lose(0);
        }
        self.relink.late.clear();
        self.relink.break_in = None;
    }

    /// Both sides wait for a link that does not come; or the dialer finds out that nobody knows
    /// its session any more, as after a restart.
    pub(super) fn wait_for_nobody(&mut self) {
        let mut redials = self.rng.chance(50);
        for _ in 0..50_000 {
            if self.sides.iter().all(|side| side.closed.is_some()) {
                return;
            }
            if redials && self.sides[1].closed.is_some() {
                redials = false;
                self.sides[0].down = false;
                self.redial();
            }
            self.carry();
            self.tick();
        }
        panic!("nobody gives up");
    }
}

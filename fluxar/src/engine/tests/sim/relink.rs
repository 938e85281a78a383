//! Links that die and are made anew: cut at any byte, half-open, cut again within the HELLOs.

use super::link::Pipe;
use super::rng::Rng;
use super::world::{Ending, World};
use crate::engine::event::Event;
use crate::engine::session::phase::Phase;
use crate::engine::session::resume::LinkFacts;
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

/// What a run knows about its links.
#[derive(Debug)]
pub(super) struct Relink {
    /// Links die in this run, and sessions do not.
    pub(super) is_on: bool,
    pub(super) cuts: u64,
    pub(super) gate: Option<Gate>,
    /// What the link before still brings to the acceptor, who takes it for alive.
    ghost: Option<Pipe>,
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
            ghost: None,
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
        let gate = self.gate.as_ref()?;
        let decide = gate.decide_at.map(|(at, _)| at);
        let ghost = self.ghost.as_ref().and_then(Pipe::next_arrival);
        [decide, gate.engine.poll_timeout(), ghost].into_iter().flatten().min()
    }
}

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
        self.relink.cuts += 1;
        let polite = self.ending != Ending::Alive;
        let was_gate = self.relink.gate.take().is_some();
        // What is under way may arrive in part, at once or late.
        let mut there = self.pipes[0].renewed();
        std::mem::swap(&mut there, &mut self.pipes[0]);
        let back = self.pipes[1].cut(&mut self.rng);
        self.pipes[1] = self.pipes[1].renewed();
        self.note(|| format!("the link dies, polite {polite}, within HELLOs {was_gate}"));
        for side in 0..2 {
            self.sides[side].cut_off = true;
        }
        if !back.is_empty() {
            self.feed(0, &back);
        }
        if !was_gate && self.sides[1].engine.phase() != Phase::Detached {
            if polite || self.rng.chance(60) {
                let kept = there.cut(&mut self.rng);
                if !kept.is_empty() {
                    self.feed(1, &kept);
                }
                self.lose(1);
            } else {
                self.relink.ghost = Some(there);
            }
        }
        if polite || self.rng.chance(80) {
            self.lose(0);
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
        let Some(gate) = self.relink.gate.as_mut() else { return };
        if gate.engine.poll_timeout().is_some_and(|due| due <= self.now) {
            gate.engine.handle_timeout(self.now);
        }
        if let Some((at, session)) = gate.decide_at
            && at <= self.now
        {
            gate.decide_at = None;
            match self.sides[1].engine.ticket() {
                Some(ticket) if self.sides[1].engine.session() == session => {
                    gate.engine.accept_resume(self.now, ticket);
                }
                _ => gate.engine.refuse(self.now, &Status::new(Code::NotFound, "no such session")),
            }
        }
        self.hear_gate();
    }

    fn redial(&mut self) {
        if self.sides[0].engine.phase() != Phase::Detached {
            return;
        }
        self.note(|| "0 dials again".to_owned());
        self.pipes = [self.pipes[0].renewed(), self.pipes[1].renewed()];
        let limits = self.sides[1].limits.clone();
        let config = EngineConfig { wire: self.wire.clone(), ..config(limits) };
        let mut engine = Engine::new(config, Role::Acceptor, self.now);
        let facts = self.facts();
        engine.handle_link_up_with(self.now, facts);
        self.relink.gate = Some(Gate { engine, inbox: BytesMut::new(), decide_at: None });
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
        if !bytes.is_empty() {
            self.moves += 1;
            gate.inbox.extend_from_slice(&bytes);
            gate.engine.handle_bytes(self.now, &mut gate.inbox);
        }
        self.hear_gate();
    }

    fn hear_gate(&mut self) {
        let Some(gate) = self.relink.gate.as_mut() else { return };
        let mut handover = None;
        while let Some(event) = gate.engine.poll_event() {
            match event {
                Event::Resume { session, .. } => {
                    let wait = Duration::from_micros(self.rng.below(20_000));
                    gate.decide_at = Some((self.now + wait, session));
                }
                Event::Handover { attachment } => handover = Some(attachment),
                Event::Closed { .. } => {}
                other => panic!("a gate says {other:?}"),
            }
        }
        let Some(attachment) = handover else { return };
        let Some(mut gate) = self.relink.gate.take() else { return };
        let (rest, seal) = (gate.inbox, gate.engine.take_link_seal());
        if self.sides[1].closed.is_some() {
            self.pipes[1].closed = true;
            return;
        }
        self.note(|| "1 is resumed".to_owned());
        self.moves += 1;
        self.relink.ghost = None;
        self.sniffers[1].relink();
        let this = &mut self.sides[1];
        this.inbox.clear();
        this.ping = None;
        let goes_on = match seal {
            Some(seal) => this.engine.attach_sealed(self.now, &attachment, seal),
            None => this.engine.attach(self.now, &attachment),
        };
        assert!(goes_on, "nobody else could have it");
        this.cut_off = false;
        self.drain(1);
        self.feed(1, &rest);
    }

    pub(super) fn transmit_into_nothing(&mut self, side: usize) {
        let this = &mut self.sides[side];
        let mut batch = Vec::new();
        if this.engine.poll_transmit(&mut batch) {
            self.moves += 1;
            let seen = this.engine.before_sealing(&batch).to_vec();
            let there = &self.sides[1 - side].limits;
            self.sniffers[side].count(&batch, there.frame_bytes_max);
            self.sniffers[side].read(&seen, there.frame_bytes_max, there.groups_max);
            self.check_grants(side);
        } else if this.closed.is_some() {
            this.down = true;
        }
        self.drain(side);
    }

    /// What the link before still brings, as long as nothing says that it is dead.
    pub(super) fn carry_ghost(&mut self) {
        let Some(ghost) = self.relink.ghost.as_mut() else { return };
        let bytes = ghost.receive(self.now, &mut self.rng);
        if !bytes.is_empty() && self.sides[1].engine.phase() != Phase::Detached {
            self.feed(1, &bytes);
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
        self.relink.ghost = None;
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

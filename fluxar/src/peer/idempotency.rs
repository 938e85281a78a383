//! Calls that may come more than once and are done once: key → running, or done. Spec:
//! `[L5.idempotent.1]` to `[L5.idempotent.4]`.

use crate::error::{Code, Status};
use crate::peer::core::answer_bytes;
use crate::peer::router::Outcome;
use crate::peer::shared::Shared;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long an outcome is kept.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// Keys of one caller; the oldest that are done make room.
const KEYS_MAX: usize = 10_000;
/// Of these, calls that run.
const RUNNING_MAX: usize = 1_024;
/// Bytes of an outcome that is kept. A larger one is not, and the call is done anew.
const OUTCOME_BYTES_MAX: usize = 64 << 10;
/// Bytes of all outcomes; the oldest make room.
const BYTES_MAX: usize = 64 << 20;

/// What a key names: one intention of one caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyName {
    pub(crate) owner: Owner,
    pub(crate) target: String,
    pub(crate) key: [u8; 16],
}

/// See [`Shared::owner`].
type Owner = (String, Option<[u8; 16]>);

/// An attempt that waits for the outcome.
pub(crate) struct Waiter {
    pub(crate) shared: Arc<Shared>,
    pub(crate) epoch: u32,
    pub(crate) id: u64,
}

/// What is to be done with an attempt.
pub(crate) enum Begun {
    /// It is the first: run the handler.
    Run,
    /// The handler runs: the attempt is answered with the others.
    Attached,
    /// It was done before.
    Done(Outcome),
    Refused(Status),
}

enum Entry {
    Running { hash: [u8; 32], waiters: Vec<Waiter> },
    Done { hash: [u8; 32], outcome: Outcome, at: Instant },
}

/// See the module.
#[derive(Default)]
pub(crate) struct Keys {
    entries: FxHashMap<KeyName, Entry>,
    /// Those that are done, the oldest first.
    done: VecDeque<KeyName>,
    bytes: usize,
    /// Keys of each caller, and how many of them run.
    of_owner: FxHashMap<Owner, (usize, usize)>,
}

impl Keys {
    pub(crate) fn begin(
        &mut self,
        name: KeyName,
        payload: &[u8],
        waiter: Waiter,
        now: Instant,
    ) -> Begun {
        self.expire(now);
        let asked: [u8; 32] = Sha256::digest(payload).into();
        match self.entries.get_mut(&name) {
            Some(Entry::Running { hash, .. } | Entry::Done { hash, .. }) if *hash != asked => {
                let text = "[L5.idempotent.3] the idempotency key was used with other parameters";
                Begun::Refused(Status::new(Code::FailedPrecondition, text))
            }
            Some(Entry::Running { waiters, .. }) => {
                waiters.push(waiter);
                Begun::Attached
            }
            Some(Entry::Done { outcome, .. }) => Begun::Done(outcome.clone()),
            None => {
                let (_, running) = self.of_owner.get(&name.owner).copied().unwrap_or_default();
                if running >= RUNNING_MAX {
                    let text = "too many calls with keys run already: wait for some of them";
                    return Begun::Refused(Status::new(Code::ResourceExhausted, text));
                }
                let counts = self.of_owner.entry(name.owner.clone()).or_default();
                *counts = (counts.0 + 1, counts.1 + 1);
                let entry = Entry::Running { hash: asked, waiters: vec![waiter] };
                self.entries.insert(name, entry);
                Begun::Run
            }
        }
    }

    /// The handler came to its end: gives those who wait, and keeps the outcome.
    pub(crate) fn finish(
        &mut self,
        name: &KeyName,
        outcome: &Outcome,
        now: Instant,
    ) -> Vec<Waiter> {
        let bytes = outcome_bytes(outcome);
        if bytes > OUTCOME_BYTES_MAX {
            return self.forget(name);
        }
        let Some(entry) = self.entries.get_mut(name) else { return Vec::new() };
        let Entry::Running { hash, waiters } = entry else { return Vec::new() };
        let (hash, waiters) = (*hash, std::mem::take(waiters));
        *entry = Entry::Done { hash, outcome: outcome.clone(), at: now };
        self.bytes += bytes;
        self.done.push_back(name.clone());
        let mut is_full = false;
        if let Some(counts) = self.of_owner.get_mut(&name.owner) {
            counts.1 -= 1;
            is_full = counts.0 > KEYS_MAX;
        }
        if is_full && let Some(at) = self.done.iter().position(|old| old.owner == name.owner) {
            self.drop_done(at);
        }
        while self.bytes > BYTES_MAX && !self.done.is_empty() {
            self.drop_done(0);
        }
        waiters
    }

    /// What the call came to is not kept: the next attempt runs it anew.
    pub(crate) fn forget(&mut self, name: &KeyName) -> Vec<Waiter> {
        match self.entries.remove(name) {
            Some(Entry::Running { waiters, .. }) => {
                self.uncount(&name.owner, 1);
                waiters
            }
            _ => Vec::new(),
        }
    }

    fn uncount(&mut self, owner: &Owner, running: usize) {
        if let Some(counts) = self.of_owner.get_mut(owner) {
            *counts = (counts.0 - 1, counts.1 - running);
            if counts.0 == 0 {
                self.of_owner.remove(owner);
            }
        }
    }

    fn drop_done(&mut self, at: usize) {
        let Some(name) = self.done.remove(at) else { return };
        if let Some(Entry::Done { outcome, .. }) = self.entries.remove(&name) {
            self.bytes -= outcome_bytes(&outcome);
            self.uncount(&name.owner, 0);
        }
    }

    fn expire(&mut self, now: Instant) {
        while let Some(oldest) = self.done.front() {
            match self.entries.get(oldest) {
                Some(Entry::Done { at, .. }) if now.duration_since(*at) < KEPT_FOR => return,
                _ => self.drop_done(0),
            }
        }
    }
}

/// What an outcome holds, with about what its bookkeeping takes.
fn outcome_bytes(outcome: &Outcome) -> usize {
    answer_bytes(outcome) + 256
}

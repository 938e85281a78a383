//! Calls that may come more than once and are done once: key → running, or done. Spec:
//! `[L5.idempotent.1]` to `[L5.idempotent.4]`.

use crate::error::{Code, Status};
use crate::peer::core::answer_bytes;
use crate::peer::router::Outcome;
use crate::peer::shared::Shared;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long an outcome is kept.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// Keys of one caller; the oldest that are done make room.
const KEYS_MAX: usize = 10_000;
/// Of these, calls that run.
const RUNNING_MAX: usize = 1_024;
/// Calls with keys that run, of all callers: their handlers outlive the sessions that count them.
const RUNNING_ALL_MAX: usize = 8_192;
/// Attempts that wait for one outcome.
const WAITERS_MAX: usize = 64;
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

impl Waiter {
    /// Whether its session still is there, and nobody has cancelled it.
    fn waits(&self) -> bool {
        let core = self.shared.lock();
        core.book.epoch == self.epoch && core.book.keyed.contains(&self.id)
    }
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

/// What one caller has. All that have no name are one: whoever dials chooses its instance, and must
/// not get room by choosing many.
#[derive(Default)]
struct Share {
    keys: usize,
    running: usize,
    /// Those that are done, the oldest first.
    done: VecDeque<u64>,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Keys {
    entries: FxHashMap<KeyName, Entry>,
    /// Those that are done, by the order in which they were.
    done: BTreeMap<u64, KeyName>,
    next_done: u64,
    bytes: usize,
    running: usize,
    shares: FxHashMap<String, Share>,
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
                waiters.retain(Waiter::waits);
                if waiters.len() >= WAITERS_MAX {
                    let text = "too many attempts wait for this key: wait for one of them";
                    return Begun::Refused(Status::new(Code::ResourceExhausted, text));
                }
                waiters.push(waiter);
                Begun::Attached
            }
            Some(Entry::Done { outcome, .. }) => Begun::Done(outcome.clone()),
            None => {
                let own = self.shares.get(&name.owner.0).map_or(0, |share| share.running);
                if own >= RUNNING_MAX || self.running >= RUNNING_ALL_MAX {
                    let text = "too many calls with keys run already: wait for some of them";
                    return Begun::Refused(Status::new(Code::ResourceExhausted, text));
                }
                let share = self.shares.entry(name.owner.0.clone()).or_default();
                share.keys += 1;
                share.running += 1;
                self.running += 1;
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
        self.running -= 1;
        let number = self.next_done;
        self.next_done += 1;
        self.done.insert(number, name.clone());
        let mut oldest = None;
        if let Some(share) = self.shares.get_mut(&name.owner.0) {
            share.running -= 1;
            share.done.push_back(number);
            oldest = share.done.front().copied().filter(|_| share.keys > KEYS_MAX);
        }
        oldest.into_iter().for_each(|number| self.drop_done(number));
        while self.bytes > BYTES_MAX
            && let Some((&number, _)) = self.done.first_key_value()
        {
            self.drop_done(number);
        }
        waiters
    }

    /// What the call came to is not kept: the next attempt runs it anew.
    pub(crate) fn forget(&mut self, name: &KeyName) -> Vec<Waiter> {
        match self.entries.remove(name) {
            Some(Entry::Running { waiters, .. }) => {
                self.running -= 1;
                self.leave(&name.owner, |share| share.running -= 1);
                waiters
            }
            _ => Vec::new(),
        }
    }

    /// One key less.
    fn leave(&mut self, owner: &Owner, more: impl FnOnce(&mut Share)) {
        if let Some(share) = self.shares.get_mut(&owner.0) {
            share.keys -= 1;
            more(share);
            if share.keys == 0 {
                self.shares.remove(&owner.0);
            }
        }
    }

    /// Drops what was done the longest ago, of all or of its caller.
    fn drop_done(&mut self, number: u64) {
        let Some(name) = self.done.remove(&number) else { return };
        if let Some(Entry::Done { outcome, .. }) = self.entries.remove(&name) {
            self.bytes -= outcome_bytes(&outcome);
            // It is its caller's oldest, too.
            self.leave(&name.owner, |share| {
                share.done.pop_front();
            });
        }
    }

    fn expire(&mut self, now: Instant) {
        while let Some((&number, oldest)) = self.done.first_key_value() {
            match self.entries.get(oldest) {
                Some(Entry::Done { at, .. }) if now.duration_since(*at) < KEPT_FOR => return,
                _ => self.drop_done(number),
            }
        }
    }
}

/// What an outcome holds, with about what its bookkeeping takes.
fn outcome_bytes(outcome: &Outcome) -> usize {
    answer_bytes(outcome) + 256
}

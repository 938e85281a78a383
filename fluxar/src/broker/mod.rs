//! Topics: who has subscribed to what, and the last value of each topic.
//!
//! Pure and synchronous: no lock, no clock, no I/O. A topic is dotted segments,
//! `orders.eu.created`; in a pattern `*` stands for one segment and `>`, at the end, for one or
//! more. The peer asks [`Broker::publish`] where an event goes and delivers it itself.

mod retained;
mod topic;
mod trie;

pub use retained::{Retained, RetainedLimits};
pub use topic::{
    LEVELS_MAX, TOPIC_BYTES_MAX, TopicError, is_wildcard, validate_pattern, validate_topic,
};

use std::collections::HashMap;
use std::hash::Hash;
use trie::{Trie, Walk};

/// Subscriptions of one broker when [`Broker::new`] is not told otherwise. Sessions are bounded
/// by `Limits::subscriptions_max` each; this bounds all of them together.
pub const SUBSCRIPTIONS_MAX: usize = 1_000_000;

/// Finds the subscriptions that an event goes to. A subscription is named by a `K`, such as a
/// session and an id in it.
#[derive(Debug)]
pub struct Broker<K> {
    trie: Trie<Slot>,
    /// Indexed by [`Slot`]; `None` where a subscription has ended.
    subscriptions: Vec<Option<Subscription<K>>>,
    free: Vec<Slot>,
    by_key: HashMap<K, Slot>,
    groups: Groups,
    walk: Walk,
    subscriptions_max: usize,
}

/// Index of a subscription.
type Slot = u32;

#[derive(Debug)]
struct Subscription<K> {
    key: K,
    pattern: Box<str>,
    /// Where it stands in the list at the end of its pattern.
    position: usize,
    group: Option<usize>,
    /// When its group last chose it, in choices.
    chosen: u64,
}

impl<K> Default for Broker<K> {
    fn default() -> Self {
        Self::new(SUBSCRIPTIONS_MAX)
    }
}

impl<K> Broker<K> {
    /// A broker without subscriptions, that will take `subscriptions_max` of them.
    #[must_use]
    pub fn new(subscriptions_max: usize) -> Self {
        Self {
            trie: Trie::default(),
            subscriptions: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            groups: Groups::default(),
            walk: Walk::default(),
            subscriptions_max: subscriptions_max.min(Slot::MAX as usize),
        }
    }

    /// Subscriptions that live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether nobody has subscribed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Places of the tree that all publishes so far have looked at: what they cost, whatever the
    /// machine.
    #[must_use]
    pub fn visited(&self) -> u64 {
        self.walk.visited
    }
}

impl<K: Clone + Eq + Hash> Broker<K> {
    /// Adds the subscription `key`. Of the subscriptions of one `group` that an event fits, one
    /// gets it: the one whose turn is longest past, whatever their patterns are.
    ///
    /// # Errors
    /// The pattern is none ([`validate_pattern`]), the key is in use, or the broker is full.
    pub fn subscribe(
        &mut self,
        key: K,
        pattern: &str,
        group: Option<&str>,
    ) -> Result<(), TopicError> {
        validate_pattern(pattern)?;
        if self.by_key.contains_key(&key) {
            return Err(TopicError::KeyInUse);
        }
        if self.by_key.len() >= self.subscriptions_max {
            return Err(TopicError::Full { max: self.subscriptions_max });
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.subscriptions.push(None);
            // `subscriptions_max` keeps the number below `Slot::MAX`.
            (self.subscriptions.len() - 1) as Slot
        });
        let position = self.trie.insert(pattern, slot);
        let group = group.map(|name| self.groups.join(name));
        let pattern = pattern.into();
        let subscription = Subscription { key: key.clone(), pattern, position, group, chosen: 0 };
        self.subscriptions[slot as usize] = Some(subscription);
        self.by_key.insert(key, slot);
        Ok(())
    }

    /// Removes the subscription `key`; says whether there was one.
    pub fn unsubscribe(&mut self, key: &K) -> bool {
        let Some(slot) = self.by_key.remove(key) else { return false };
        let ended = self.subscriptions[slot as usize].take();
        let ended = ended.expect("a key leads to a living subscription");
        if let Some(moved) = self.trie.remove(&ended.pattern, ended.position) {
            let moved = self.subscriptions[moved as usize].as_mut();
            moved.expect("the tree holds living subscriptions").position = ended.position;
        }
        if let Some(group) = ended.group {
            self.groups.leave(group);
        }
        self.free.push(slot);
        true
    }

    /// Appends to `out` the subscriptions that an event on `topic` goes to: each at most once, in
    /// no particular order, and of each group one.
    ///
    /// # Errors
    /// The topic is none ([`validate_topic`]).
    pub fn publish(&mut self, topic: &str, out: &mut Vec<K>) -> Result<(), TopicError> {
        validate_topic(topic)?;
        let Self { trie, subscriptions, groups, walk, .. } = self;
        trie.for_topic(topic, walk, |slot| {
            let subscription = subscriptions[*slot as usize].as_ref();
            let subscription = subscription.expect("the tree holds living subscriptions");
            match subscription.group {
                None => out.push(subscription.key.clone()),
                Some(group) => groups.propose(group, *slot, subscription.chosen),
            }
        });
        while let Some((slot, now)) = groups.take_choice() {
            let subscription = subscriptions[slot as usize].as_mut();
            let subscription = subscription.expect("chosen among the living");
            subscription.chosen = now;
            out.push(subscription.key.clone());
        }
        Ok(())
    }
}

/// The queue groups by name, and whom each chooses for the event at hand.
#[derive(Debug, Default)]
struct Groups {
    by_name: HashMap<Box<str>, usize>,
    groups: Vec<Group>,
    free: Vec<usize>,
    /// Groups that somebody was proposed for and that have not chosen yet.
    choosing: Vec<usize>,
    choices: u64,
}

#[derive(Debug, Default)]
struct Group {
    name: Box<str>,
    members: usize,
    /// Who was chosen least recently of those proposed so far.
    best: Option<(u64, Slot)>,
}

impl Groups {
    fn join(&mut self, name: &str) -> usize {
        let index = match self.by_name.get(name) {
            Some(index) => *index,
            None => {
                let index = self.free.pop().unwrap_or_else(|| {
                    self.groups.push(Group::default());
                    self.groups.len() - 1
                });
                self.by_name.insert(name.into(), index);
                self.groups[index].name = name.into();
                index
            }
        };
        self.groups[index].members += 1;
        index
    }

    fn leave(&mut self, index: usize) {
        self.groups[index].members -= 1;
        if self.groups[index].members == 0 {
            let name = std::mem::take(&mut self.groups[index].name);
            self.by_name.remove(&name);
            self.free.push(index);
        }
    }

    fn propose(&mut self, index: usize, slot: Slot, chosen: u64) {
        let best = &mut self.groups[index].best;
        match *best {
            None => self.choosing.push(index),
            Some(rival) if rival <= (chosen, slot) => return,
            Some(_) => {}
        }
        *best = Some((chosen, slot));
    }

    /// The choice of one of the groups, and the number of choices made so far.
    fn take_choice(&mut self) -> Option<(Slot, u64)> {
        let index = self.choosing.pop()?;
        let (_, slot) = self.groups[index].best.take()?;
        self.choices += 1;
        Some((slot, self.choices))
    }
}

#[cfg(test)]
mod tests;

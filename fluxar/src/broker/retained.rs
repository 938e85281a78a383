//! The last value of each topic, for those who subscribe later.

use super::topic::{TopicError, validate_pattern, validate_topic};
use super::trie::{Trie, Walk};
use bytes::Bytes;

/// How much may be retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetainedLimits {
    /// Topics with a value. 10,000.
    pub topics_max: usize,
    /// Bytes of all topics and values. 64 MiB.
    pub bytes_max: usize,
}

impl Default for RetainedLimits {
    fn default() -> Self {
        Self { topics_max: 10_000, bytes_max: 64 << 20 }
    }
}

impl RetainedLimits {
    /// Sets [`Self::topics_max`].
    #[must_use]
    pub fn topics_max(mut self, topics: usize) -> Self {
        self.topics_max = topics;
        self
    }

    /// Sets [`Self::bytes_max`].
    #[must_use]
    pub fn bytes_max(mut self, bytes: usize) -> Self {
        self.bytes_max = bytes;
        self
    }
}

/// Retained values by topic, each with what the publisher said beside it.
#[derive(Debug)]
pub struct Retained<M = ()> {
    trie: Trie<Value<M>>,
    limits: RetainedLimits,
    topics: usize,
    bytes: usize,
    walk: Walk,
}

#[derive(Debug)]
struct Value<M> {
    topic: Box<str>,
    payload: Bytes,
    meta: M,
    /// What `meta` takes.
    meta_bytes: usize,
}

impl<M> Value<M> {
    fn bytes(&self) -> usize {
        self.topic.len() + self.payload.len() + self.meta_bytes
    }
}

impl<M> Default for Retained<M> {
    fn default() -> Self {
        Self::new(RetainedLimits::default())
    }
}

impl<M> Retained<M> {
    /// Nothing retained yet.
    #[must_use]
    pub fn new(limits: RetainedLimits) -> Self {
        Self { trie: Trie::default(), limits, topics: 0, bytes: 0, walk: Walk::default() }
    }

    /// Keeps `payload` as the value of `topic`, in place of an older one; an empty one clears it.
    /// The bytes are copied, since a slice would keep the whole buffer it was read into. `meta` is
    /// kept beside it, and counts for `meta_bytes`.
    ///
    /// # Errors
    /// The topic is none, or a limit would be passed; the older value stays then.
    pub fn set(
        &mut self,
        topic: &str,
        payload: &[u8],
        meta: M,
        meta_bytes: usize,
    ) -> Result<(), TopicError> {
        validate_topic(topic)?;
        if payload.is_empty() {
            self.clear(topic);
            return Ok(());
        }
        let RetainedLimits { topics_max, bytes_max } = self.limits;
        let older = self.trie.single_mut(topic);
        let replaced = older.as_ref().map_or(0, |value| value.bytes());
        let bytes = self.bytes - replaced + topic.len() + payload.len() + meta_bytes;
        if bytes > bytes_max {
            return Err(TopicError::RetainedBytes { max: bytes_max });
        }
        let payload = Bytes::copy_from_slice(payload);
        let value = Value { topic: topic.into(), payload, meta, meta_bytes };
        match older {
            Some(older) => *older = value,
            None if self.topics >= topics_max => {
                return Err(TopicError::RetainedTopics { max: topics_max });
            }
            None => {
                self.trie.insert(topic, value);
                self.topics += 1;
            }
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Calls `found` with each topic that fits `pattern`, its value and what is beside it, in the
    /// order of the topics' segments.
    ///
    /// # Errors
    /// The pattern is none.
    pub fn matching(
        &mut self,
        pattern: &str,
        mut found: impl FnMut(&str, &Bytes, &M),
    ) -> Result<(), TopicError> {
        validate_pattern(pattern)?;
        let found = |value: &Value<M>| found(&value.topic, &value.payload, &value.meta);
        self.trie.for_pattern(pattern, &mut self.walk, found);
        Ok(())
    }

    /// Topics with a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.topics
    }

    /// Whether nothing is retained.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics == 0
    }

    /// Bytes of all topics and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether half of any limit is reached.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_half_full(&self) -> bool {
        let RetainedLimits { topics_max, bytes_max } = self.limits;
        self.topics > topics_max / 2 || self.bytes > bytes_max / 2
    }

    /// Places of the tree that all questions so far have looked at.
    #[must_use]
    pub fn visited(&self) -> u64 {
        self.walk.visited
    }

    /// Places of the tree.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.trie.len()
    }

    fn clear(&mut self, topic: &str) {
        if let Some(value) = self.trie.take_single(topic) {
            self.topics -= 1;
            self.bytes -= value.bytes();
        }
    }
}

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

/// Retained values by topic.
#[derive(Debug, Default)]
pub struct Retained {
    trie: Trie<Value>,
    limits: RetainedLimits,
    topics: usize,
    bytes: usize,
    walk: Walk,
}

#[derive(Debug)]
struct Value {
    topic: Box<str>,
    payload: Bytes,
}

impl Retained {
    /// Nothing retained yet.
    #[must_use]
    pub fn new(limits: RetainedLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Keeps `payload` as the value of `topic`, in place of an older one; an empty one clears it.
    /// The bytes are copied, since a slice would keep the whole buffer it was read into.
    ///
    /// # Errors
    /// The topic is none, or a limit would be passed; the older value stays then.
    pub fn set(&mut self, topic: &str, payload: &[u8]) -> Result<(), TopicError> {
        validate_topic(topic)?;
        if payload.is_empty() {
            self.clear(topic);
            return Ok(());
        }
        let RetainedLimits { topics_max, bytes_max } = self.limits;
        let older = self.trie.single_mut(topic);
        let replaced = older.as_ref().map_or(0, |value| topic.len() + value.payload.len());
        let bytes = self.bytes - replaced + topic.len() + payload.len();
        if bytes > bytes_max {
            return Err(TopicError::RetainedBytes { max: bytes_max });
        }
        let payload = Bytes::copy_from_slice(payload);
        match older {
            Some(value) => value.payload = payload,
            None if self.topics >= topics_max => {
                return Err(TopicError::RetainedTopics { max: topics_max });
            }
            None => {
                self.trie.insert(topic, Value { topic: topic.into(), payload });
                self.topics += 1;
            }
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Calls `found` with each topic that fits `pattern` and its value, in the order of the
    /// topics' segments.
    ///
    /// # Errors
    /// The pattern is none.
    pub fn matching(
        &mut self,
        pattern: &str,
        mut found: impl FnMut(&str, &Bytes),
    ) -> Result<(), TopicError> {
        validate_pattern(pattern)?;
        self.trie.for_pattern(pattern, &mut self.walk, |value| found(&value.topic, &value.payload));
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
            self.bytes -= value.topic.len() + value.payload.len();
        }
    }
}

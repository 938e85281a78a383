//! What a topic and a pattern may look like.

use crate::error::{Code, Status};

/// Bytes of a topic or pattern.
pub const TOPIC_BYTES_MAX: usize = 512;
/// Segments of a topic or pattern.
pub const LEVELS_MAX: usize = 16;

/// One segment, any.
pub(super) const ONE: &str = "*";
/// One or more segments, any.
pub(super) const REST: &str = ">";

/// Why a topic, a pattern or a subscription was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// There is nothing.
    #[error("a topic has one segment at least, such as `orders.created`")]
    Empty,
    /// Over [`TOPIC_BYTES_MAX`].
    #[error("a topic has {TOPIC_BYTES_MAX} bytes at most, this one has {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Over [`LEVELS_MAX`].
    #[error("a topic has {LEVELS_MAX} segments at most")]
    TooDeep,
    /// Two dots side by side, or a dot at an end.
    #[error("segment {level} is empty: one dot between segments, none at the ends")]
    EmptySegment {
        /// Which segment, from 1.
        level: usize,
    },
    /// White space or a control character.
    #[error("segment {level} holds a space or control character: use letters, digits, - and _")]
    BadCharacter {
        /// Which segment, from 1.
        level: usize,
    },
    /// A wildcard in a topic that something is published on.
    #[error("segment {level} is a wildcard: publish on one topic, only subscribe to patterns")]
    WildcardInTopic {
        /// Which segment, from 1.
        level: usize,
    },
    /// A wildcard beside other characters.
    #[error("segment {level} mixes a wildcard with text: `*` and `>` stand alone in a segment")]
    WildcardInSegment {
        /// Which segment, from 1.
        level: usize,
    },
    /// A `>` with something behind it.
    #[error("segment {level} is `>` and not the last: use `*` for one segment in the middle")]
    RestNotLast {
        /// Which segment, from 1.
        level: usize,
    },
    /// The same subscription twice.
    #[error("this subscription exists: unsubscribe it first, or give it another key")]
    KeyInUse,
    /// The broker's bound.
    #[error("{max} subscriptions are the most: end some first")]
    Full {
        /// The bound.
        max: usize,
    },
    /// The bound of retained topics.
    #[error("{max} topics with a retained value are the most: clear some with an empty payload")]
    RetainedTopics {
        /// The bound.
        max: usize,
    },
    /// The bound of retained bytes.
    #[error("{max} bytes of retained values are the most: clear some with an empty payload")]
    RetainedBytes {
        /// The bound.
        max: usize,
    },
}

impl From<TopicError> for Status {
    fn from(error: TopicError) -> Self {
        let code = match error {
            TopicError::Full { .. }
            | TopicError::RetainedTopics { .. }
            | TopicError::RetainedBytes { .. } => Code::ResourceExhausted,
            TopicError::KeyInUse => Code::AlreadyExists,
            _ => Code::InvalidArgument,
        };
        Self::new(code, error.to_string())
    }
}

/// Checks a topic to publish on.
///
/// # Errors
/// Which segment is wrong, and how.
pub fn validate_topic(topic: &str) -> Result<(), TopicError> {
    validate(topic, false)
}

/// Checks a pattern to subscribe to; every topic is one.
///
/// # Errors
/// Which segment is wrong, and how.
pub fn validate_pattern(pattern: &str) -> Result<(), TopicError> {
    validate(pattern, true)
}

fn validate(text: &str, is_pattern: bool) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > TOPIC_BYTES_MAX {
        return Err(TopicError::TooLong { bytes: text.len() });
    }
    let mut segments = text.split('.').enumerate().peekable();
    while let Some((index, segment)) = segments.next() {
        let level = index + 1;
        if level > LEVELS_MAX {
            return Err(TopicError::TooDeep);
        }
        if segment.is_empty() {
            return Err(TopicError::EmptySegment { level });
        }
        if segment.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(TopicError::BadCharacter { level });
        }
        if !segment.contains(['*', '>']) {
            continue;
        }
        if segment.len() > 1 {
            return Err(TopicError::WildcardInSegment { level });
        }
        if !is_pattern {
            return Err(TopicError::WildcardInTopic { level });
        }
        if segment == REST && segments.peek().is_some() {
            return Err(TopicError::RestNotLast { level });
        }
    }
    Ok(())
}

/// Whether a pattern can fit more than one topic.
#[must_use]
pub fn is_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '>'])
}

//! Typed topics, and contracts: what each side of a connection offers.

use super::{Annotation, Docs, Lifecycle, Name, Spelling};
use std::time::Duration;

/// A topic, `topic OrderEvents = orders.{region: Region} : OrderEvent`.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic<S: Spelling> {
    /// `OrderEvents` in the source; on the wire the filter of all its paths, `orders.*`.
    pub name: Name,
    /// Its documentation.
    pub docs: Docs,
    /// Uses of declared annotations.
    pub annotations: Vec<Annotation>,
    /// Its life over revisions.
    pub lifecycle: Lifecycle,
    /// The path, a segment each. Parameters stand in place of whole segments.
    pub segments: Vec<Segment<S>>,
    /// The type of what is published.
    pub payload: S::Type,
    /// `@delivery`
    pub delivery: Delivery,
    /// `@retain(1)`: how many of the last values a path keeps.
    pub retain: Option<u32>,
    /// `@replay(24h)`: how far back a subscriber may ask.
    pub replay: Option<Duration>,
    /// `@key("order_id")`: the path parameter or payload field that events belong together by.
    pub key: Option<String>,
    /// What only the front end knows.
    pub extra: S::Extra,
}

/// A segment of a topic's path.
#[derive(Clone, Debug, PartialEq)]
pub enum Segment<S: Spelling> {
    /// Text as it stands.
    Literal(String),
    /// A value: `string`, an integer, `bool`, `uuid`, an enum, or a newtype of these.
    Param {
        /// Its name.
        name: Name,
        /// Its type.
        ty: S::Type,
    },
}

impl<S: Spelling> Topic<S> {
    /// The parameters of the path, in order.
    pub fn params(&self) -> impl Iterator<Item = (&Name, &S::Type)> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Param { name, ty } => Some((name, ty)),
        })
    }

    /// The filter that matches every path: `orders.*.*`.
    #[must_use]
    pub fn filter(&self) -> String {
        filter(&self.segments)
    }
}

/// The filter of these segments, `*` for each parameter.
pub(crate) fn filter<S: Spelling>(segments: &[Segment<S>]) -> String {
    let parts: Vec<&str> = segments
        .iter()
        .map(|segment| match segment {
            Segment::Literal(text) => text.as_str(),
            Segment::Param { .. } => "*",
        })
        .collect();
    parts.join(".")
}

/// How sure a subscriber is to get an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// qos 0
    #[default]
    AtMostOnce,
    /// qos 1
    AtLeastOnce,
    /// qos 2
    ExactlyOnce,
}

impl Delivery {
    /// Every delivery, in the order of their numbers (qos).
    pub const ALL: [Self; 3] = [Self::AtMostOnce, Self::AtLeastOnce, Self::ExactlyOnce];

    /// Its name in contracts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AtMostOnce => "at_most_once",
            Self::AtLeastOnce => "at_least_once",
            Self::ExactlyOnce => "exactly_once",
        }
    }

    /// Its qos: 0, 1, 2.
    #[must_use]
    pub fn qos(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
            Self::ExactlyOnce => 2,
        }
    }
}

/// A contract: which services and topics a connection is about, by name, and who offers them.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractDef {
    /// Its name.
    pub name: Name,
    /// Its documentation.
    pub docs: Docs,
    /// Uses of declared annotations.
    pub annotations: Vec<Annotation>,
    /// Its life over revisions.
    pub lifecycle: Lifecycle,
    /// Services (by [`Service::name`](super::Service)) that the side which listens offers.
    pub server: Vec<String>,
    /// Services that the side which dials offers.
    pub client: Vec<String>,
    /// Topics that both may publish and subscribe to.
    pub topics: Vec<String>,
}

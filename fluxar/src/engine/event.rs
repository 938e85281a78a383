//! What goes in and out of the engine at the application's side.

use crate::engine::items::Items;
use crate::engine::message::meta::Meta;
use crate::engine::message::user::UserMeta;
use crate::engine::session::auth::{Credential, Identity};
use crate::engine::session::handshake::PeerInfo;
use crate::engine::session::resume::Attachment;
use crate::engine::time::Time;
use crate::error::Status;
use bytes::Bytes;
use bytestring::ByteString;

/// Text that shares the received bytes: a target, a topic or a pattern.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text(ByteString);

impl Text {
    /// `None` when the bytes are not UTF-8.
    pub(crate) fn new(bytes: Bytes) -> Option<Self> {
        ByteString::try_from(bytes).ok().map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(ByteString::from(text))
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_str().fmt(f)
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call, notification or stream to open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// `service.method`.
    pub target: &'a str,
    /// The encoded parameters; `None` for none.
    pub payload: Option<&'a [u8]>,
    /// When the outcome must be known.
    pub deadline: Option<Time>,
    /// Calls between the first caller and this one.
    pub hops: u32,
    /// The same for every attempt at one thing: the callee does it once. Calls only.
    pub idempotency_key: Option<[u8; 16]>,
    /// The user's own meta entries; sorted by the encoder.
    pub user_meta: &'a [(String, String)],
}

/// How a subscription behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscribeOptions {
    /// Subscribers of one group share the events: each event goes to one of them.
    pub group: Option<String>,
    /// What happens to events when the subscriber is too slow.
    pub overflow: Overflow,
    /// Bytes ahead of consumption; `None` means the session's initial credit.
    pub credit: Option<u32>,
}

/// What a publisher's side does with events for a subscriber that has no credit and whose queue
/// is full. Numbers are the wire's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Overflow {
    /// The oldest waiting event makes room; the subscriber is told how many were dropped.
    #[default]
    DropOldest = 0,
    /// The new event is dropped; the subscriber is told how many were.
    DropNewest = 1,
    /// Only the newest waiting event is kept.
    Latest = 2,
    /// The subscription is ended with `resource_exhausted`.
    Disconnect = 3,
}

/// How an event is published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishOptions {
    /// Keep it as the topic's retained value; an empty payload clears it.
    pub retain: bool,
    /// What comes with it, for the subscribers' `Message::meta`.
    pub meta: UserMeta,
}

impl PublishOptions {
    /// Not retained, and nothing comes with it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Self::retain`].
    #[must_use]
    pub fn retain(mut self, retain: bool) -> Self {
        self.retain = retain;
        self
    }

    /// Adds a meta entry, for the subscribers' `Message::meta`. 48 entries and 7 KiB at most.
    #[must_use]
    pub fn meta(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.meta.insert(key.as_ref(), value.as_ref());
        self
    }
}

/// What the engine tells the application. Ids name calls, streams and subscriptions; their parity
/// says which side opened them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Decide on this credential: answer with `accept` or `refuse`, as long as `is_asking` says
    /// that this offer still waits for that.
    Authenticate {
        /// The offer that it came with.
        offer: u64,
        /// What the dialer presents.
        credential: Credential,
        /// Who it says it is.
        peer: PeerInfo,
        /// The key that it has proved to have, on a link that is sealed.
        seal_key: Option<[u8; 32]>,
    },
    /// The dialer wants to go on with a session that another engine of this process has. Decide on
    /// its credential, then answer with `accept_resume` or `refuse`.
    Resume {
        /// The session.
        session: [u8; 16],
        /// What the dialer presents.
        credential: Credential,
        /// Who it says it is.
        peer: PeerInfo,
        /// The link is being sealed: the credential comes with the attachment, and is to be checked
        /// there.
        sealed: bool,
    },
    /// The dialer has proved that the session is its own: give the link to the session's engine
    /// with `attach`. This engine has done its work.
    Handover {
        /// For `attach`.
        attachment: Attachment,
    },
    /// The link is lost or was given up, and is to be dropped; the session lives on. Commands go
    /// on working, within the outbox's bound.
    Detached {
        /// Why.
        reason: Status,
    },
    /// Another link has taken over the session.
    Resumed,
    /// The handshake is done: anything may be sent.
    Ready {
        /// The other side.
        peer: PeerInfo,
    },
    /// The peer has authenticated again, or what it may do has expired.
    Identified {
        /// Who it is now.
        identity: Identity,
    },
    /// Our own new credential was taken, or not.
    Reauthenticated {
        /// Why not.
        outcome: Result<(), Status>,
    },
    /// A call of ours ended.
    Response {
        /// Its id.
        id: u64,
        /// Its result.
        outcome: Result<Bytes, Status>,
    },
    /// The peer calls (with an id) or notifies (without).
    Call {
        /// Answer with `respond`.
        id: Option<u64>,
        /// What is called.
        target: Text,
        /// The parameters.
        payload: Option<Bytes>,
        /// The meta entries.
        meta: Meta,
        /// When the outcome must be known.
        deadline: Option<Time>,
    },
    /// The peer opens a stream.
    Stream {
        /// Answer with `end_stream`.
        id: u64,
        /// What is called.
        target: Text,
        /// The parameters.
        payload: Option<Bytes>,
        /// The meta entries.
        meta: Meta,
        /// When the outcome must be known.
        deadline: Option<Time>,
        /// The opener sends no items.
        half_closed: bool,
    },
    /// The peer cancelled, or the deadline passed: end the handler, then answer as usual. An
    /// answer that is an error is replaced by this status.
    Cancelled {
        /// A call or stream of the peer's.
        id: u64,
        /// Why.
        status: Status,
    },
    /// Items of a stream that came in a row.
    Items {
        /// The stream.
        id: u64,
        /// The items; tell `consumed` of each that the application took.
        items: Items,
    },
    /// The peer's direction of a stream ended. For a stream of ours that is the final outcome.
    StreamEnd {
        /// The stream.
        id: u64,
        /// The result (a callee's may carry a payload), or the error.
        outcome: Result<Option<Bytes>, Status>,
    },
    /// `send_item` was blocked and may be tried again.
    StreamWritable {
        /// The stream.
        id: u64,
    },
    /// The peer asks for topics: answer with `grant` or `refuse_subscription`.
    Subscribe {
        /// The subscription.
        id: u64,
        /// What it asks for.
        pattern: Text,
        /// How.
        options: SubscribeOptions,
    },
    /// The peer gave up a subscription of its own; it is gone.
    Unsubscribed {
        /// The subscription.
        id: u64,
    },
    /// A subscription of ours was granted.
    Granted {
        /// The subscription.
        id: u64,
    },
    /// A subscription of ours was refused or is over.
    SubscriptionEnd {
        /// The subscription.
        id: u64,
        /// The error, or `None` when we unsubscribed.
        status: Option<Status>,
    },
    /// An event for a subscription of ours; tell `consumed` when the application took it.
    Delivery {
        /// The subscription.
        id: u64,
        /// The topic, absent when the pattern is the topic.
        topic: Option<Text>,
        /// The payload.
        payload: Bytes,
        /// Events dropped on this subscription since the last delivery.
        dropped: u64,
        /// It is a retained value.
        retained: bool,
        /// The publisher's meta entries.
        meta: UserMeta,
    },
    /// The peer publishes.
    Publish {
        /// Where to.
        topic: Text,
        /// The payload.
        payload: Bytes,
        /// How.
        options: PublishOptions,
    },
    /// The answer to our newest ping.
    Pong {
        /// The number that `ping` returned.
        id: u64,
    },
    /// A command was `Blocked` and may be tried again.
    Writable,
    /// The session takes no new work: we or the peer said goodbye.
    Draining,
    /// The session is over; nothing follows. Send what `poll_transmit` still has, then close.
    Closed {
        /// Why, unless it was a goodbye.
        reason: Option<Status>,
    },
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A bound is reached: wait for `Writable` (or the stream's `StreamWritable`), then try again.
    Blocked,
    /// It cannot be done.
    Status(Status),
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// What became of one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivered {
    /// On its way, or waiting for credit.
    Queued,
    /// Something was dropped, by the subscription's policy.
    Dropped,
    /// The subscription is gone (or was ended just now by its policy).
    Gone,
}

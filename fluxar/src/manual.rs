//! What to know before running one's own traffic on it. No code here.
//!
//! # Architecture
#![doc = include_str!("../ARCHITECTURE.md")]
//!
//! # Cancel safety
//! Every public `async fn` of the peer may be dropped at any await:
//! - `call`, `Call`: dropping it cancels the call at the other end, whose handler is dropped at its
//!   next await, and with it whatever it had opened in turn. A call that still waited for room is
//!   never sent.
//! - `Sink::send`, `publish`, `notify`: the item is sent whole or not at all.
//! - `Streaming::next`, `Events::next`, `closed`, `ping`: nothing is lost by asking again.
//! - `Streaming`: dropping it cancels the stream. `cancel()` asks the callee to come to an end, and
//!   the rest can still be read.
//! - `Sink` of the opener: dropping it without `finish` ends the input with `cancelled`.
//! - A handler that called `Context::cancelled` is not dropped when its caller cancels: it gets
//!   `Limits::cancel_grace` to end by itself, and its answer still travels.
//!
//! # Back-pressure
//! Nothing is buffered without a bound, and the reader of a link never waits for an application.
//! Producers wait: callers for a place at the peer (`calls_max`) and for room in the outbox,
//! senders of items for credit, publishers for room. A subscriber that is too slow meets its
//! overflow policy, and the next event says how many were dropped. What is held for a peer that
//! does not read ends with its session (`outbox_bytes_max`, `stall_timeout`).
//!
//! # Deadlines
//! A call without a timeout waits as long as its session lives. A timeout travels as the time that
//! is left; both sides keep it, each by its own monotonic clock. Calls made through
//! `Context::peer` carry no more time than the handler itself has.
//!
//! # Outcomes
//! One type, [`Status`](crate::Status): a closed list of codes, a message that says what to do
//! next, and who decided ([`Origin`](crate::Origin)). Only `unavailable` says that a request never
//! reached its callee. `indeterminate` says that it was sent and nobody knows.
//!
//! # Defaults
//! [`Limits`](crate::Limits) explains each. They are made for a service with a thousand peers and
//! small messages; a hub on a small machine wants lower ones (`session_credit_max`,
//! `session_queue_bytes_max`, `NodeLimits`).
//!
//! # What a peer can do to you
//! Anything that it sends is refused by rule, answered, or counted: it never panics, never makes
//! this side allocate more than it sent or declared within the limits, and ends no session but its
//! own. It can use its rights, keep its places (`calls_max` handlers, `streams_max` streams)
//! occupied, and learn how long answers take. On `tcp` and `ws` links whoever is on the path reads
//! and changes everything, tokens included; on `tls`, `wss` and `quic` nothing.

//! One protocol, three patterns: calls, streams and topics over one connection, between equals.
//!
//! A [`Server`] accepts and a [`Client`] dials; after the handshake both hold a [`Peer`], and what
//! one side can do the other can too.
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fluxar::{Client, Context, Message, Server, Sink, Status, Streaming};
//!
//! let server = Server::bind("mem://front-page").build().await?;
//! // A call: a request, an answer.
//! server.handle("math.double", |n: u64| async move { Ok::<_, Status>(n * 2) });
//! // A stream: items as fast as the reader takes them, then a result.
//! server.handle_stream(
//!     "math.count",
//!     |_: Context, to: u64, _: Streaming<()>, out: Sink<u64>| async move {
//!         for n in 1..=to {
//!             out.send(n).await?;
//!         }
//!         Ok::<_, Status>("done".to_owned())
//!     },
//! );
//! let running = server.clone();
//! tokio::spawn(async move { running.run().await });
//!
//! let client = Client::connect("mem://front-page").build().await?;
//! let four: u64 = client.call("math.double", &2_u64).await?;
//! assert_eq!(four, 4);
//!
//! let mut numbers: Streaming<u64, String> = client.stream("math.count", &3_u64)?;
//! let mut sum = 0;
//! while let Some(n) = numbers.next().await {
//!     sum += n?;
//! }
//! assert_eq!((sum, numbers.finish().await?.as_str()), (6, "done"));
//!
//! // A topic: whoever subscribed hears it. Either side publishes.
//! let mut orders = client.events("orders.*").await?;
//! server.publish("orders.created", &42_u64)?;
//! let order: Message = orders.next().await.expect("the session lives");
//! assert_eq!((order.topic(), order.payload::<u64>()?), ("orders.created", 42));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "tokio"))]
//! # fn main() {}
//! ```
//!
//! With typed contracts instead of names: the attribute `#[fluxar::service]` (feature `macros`).
//!
//! # Features
//! | feature | what it adds |
//! |---|---|
//! | `tokio` (default) | the asynchronous peer; without it: the engine, the broker, the codec |
//! | `tcp` (default) | `tcp://host:port` |
//! | `ws` (default) | `ws://host:port/path` |
//! | `macros` (default) | `#[fluxar::service]`, `#[derive(fluxar::Type)]` |
//! | `tls` | `tls://host:port`, and with `ws` also `wss://host:port/path` |
//! | `quic` | `quic://host:port` |
//! | `jwt` | `JwtAuth`: JSON Web Tokens as credentials |
//! | `unix` | `unix:///path` |
//! | `stdio` | `exec:program` and `stdio:` |
//! | `seal` | sessions encrypted and authenticated from peer to peer, by Noise |
//! | `zstd`, `gzip` | compressed messages |
//! | `testing` | an in-memory pair and a faulty link, for tests of your services in virtual time |
//! | `full` | all of the above but `testing` |
//!
//! # Where to read on
//! The [`manual`]: architecture, defaults and why, cancel safety, what a peer can do to you. The
//! protocol itself is in `docs/spec/`.

pub mod broker;
pub mod config;
pub mod engine;
pub mod error;
pub mod id;
pub mod manual;
pub mod payload;
#[cfg(feature = "tokio")]
pub mod peer;
pub mod service;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tokio")]
pub mod transport;

#[doc(hidden)]
#[cfg(feature = "tokio")]
pub use peer::rt as __rt;
#[doc(hidden)]
#[cfg(not(feature = "tokio"))]
pub use service::rt as __rt;

pub use bytes;
pub use config::Limits;
pub use engine::Compression;
pub use engine::event::{Overflow, PublishOptions};
pub use engine::message::user::UserMeta;
pub use engine::session::auth::{Credential, Identity, Rights};
pub use engine::session::challenge::{IdentityKey, PublicKey};
pub use engine::session::handshake::PeerInfo;
pub use engine::wire::compress::Codec;
#[cfg(feature = "seal")]
pub use engine::wire::seal::{Cipher, FingerprintError, Psk, SealKey, SealPublicKey};
pub use error::{Code, Origin, Status};
#[cfg(feature = "macros")]
pub use fluxar_macros::{Type, assert_idl, service, topic};
pub use payload::{Decimal, Int, Timestamp, Unknown, UnknownKey, Url, Uuid, Value};
#[cfg(feature = "tokio")]
pub use peer::{
    AllowList, Auth, AuthAttempt, Authenticator, Backoff, BindError, Call, CallFuture, Client,
    ClientBuilder, ConnectError, Context, DuplexCall, Events, Message, NodeLimits, Notification,
    Params, Peer, Publisher, Routes, Server, ServerBuilder, Service, Sink, State, StreamCall,
    Streaming, SubscribeWith, SubscriptionHandle, TopicEvents, Transport,
};
#[cfg(feature = "jwt")]
pub use peer::{JwtAuth, JwtClaims};
#[cfg(all(feature = "tokio", feature = "seal"))]
pub use peer::{KeyError, Seal};
pub use service::{AppError, Error, Failure, Type};

#[cfg(feature = "tokio")]
pub use futures_core::Stream;

/// The programs in the README, as tests.
#[cfg(all(doctest, feature = "ws"))]
#[doc = include_str!("../../README.md")]
mod readme {}

//! A dialer that does its handshake right, and everything after that as the test says.

use super::soon;
use crate::victim::config;
use bytes::BytesMut;
use fluxar::engine::frame::{self, LEN_BYTES};
use fluxar::engine::message::envelope::Envelope;
use fluxar::engine::message::kind::Kind;
use fluxar::engine::session::phase::Phase;
use fluxar::engine::time::Time;
use fluxar::engine::{Engine, Role};
use fluxar::{Code, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// See the module. It has used the id 1.
pub(crate) struct Attacker {
    stream: TcpStream,
}

/// A socket to the node, before any HELLO.
pub(crate) async fn dial(address: &str) -> TcpStream {
    let address = address.trim_start_matches("tcp://");
    soon("a socket", TcpStream::connect(address)).await.expect("the node listens")
}

impl Attacker {
    pub(crate) async fn connect(address: &str) -> Self {
        Self::with(address, Limits::default()).await
    }

    /// With limits of its own in HELLO.
    pub(crate) async fn with(address: &str, limits: Limits) -> Self {
        let mut stream = dial(address).await;
        let now = Time::from_micros(1);
        let mut engine = Engine::new(config(limits), Role::Dialer, now);
        engine.handle_link_up(now);
        let mut inbox = BytesMut::new();
        while engine.phase() != Phase::Ready {
            let mut batch = Vec::new();
            engine.poll_transmit(&mut batch);
            stream.write_all(&batch).await.expect("the node listens");
            soon("HELLO", stream.read_buf(&mut inbox)).await.expect("the node answers");
            engine.handle_bytes(now, &mut inbox);
            assert_ne!(engine.phase(), Phase::Closed, "the node refused");
        }
        let mut batch = Vec::new();
        engine.poll_transmit(&mut batch);
        stream.write_all(&batch).await.expect("the node listens");
        Self { stream }
    }

    /// Sends what it can; a node that has closed its end stops it, which is no error here.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        soon("the node reads", self.stream.write_all(bytes)).await.is_ok()
    }

    /// Reads until the node ends it: what the goodbye said.
    pub(crate) async fn told(self) -> Option<(Code, String)> {
        let (mut reader, _writer) = self.stream.into_split();
        let mut bytes = Vec::new();
        // A reset takes nothing from what was read before.
        let _end = soon("the node ends the session", reader.read_to_end(&mut bytes)).await;
        goodbye(&bytes)
    }

    /// Sends a flood while it reads, until the node ends it: what the goodbye said.
    pub(crate) async fn flood(
        self,
        mut next: impl FnMut() -> Option<Vec<u8>>,
    ) -> Option<(Code, String)> {
        let (mut reader, mut writer) = self.stream.into_split();
        let reading = tokio::spawn(async move {
            let mut bytes = Vec::new();
            let _end = reader.read_to_end(&mut bytes).await;
            bytes
        });
        while let Some(bytes) = next() {
            if soon("the node reads", writer.write_all(&bytes)).await.is_err() {
                break;
            }
        }
        let bytes = soon("the node ends the session", reading).await.expect("no panic");
        goodbye(&bytes)
    }

    /// Goes without a word; the other end finds a reset.
    pub(crate) fn cut(self) {
        self.stream.set_zero_linger().expect("a socket");
    }
}

/// The goodbye among whole frames.
pub(crate) fn goodbye(mut bytes: &[u8]) -> Option<(Code, String)> {
    while let Ok(Some(whole)) = frame::whole_len(bytes, u32::MAX) {
        let (one, rest) = bytes.split_at(whole);
        bytes = rest;
        let frame = frame::decode(&one[LEN_BYTES..]).expect("the node's frames");
        // Fragments are of answers, never of a goodbye.
        let Ok(envelope) = Envelope::decode(frame.body) else { continue };
        if envelope.kind == Kind::Cancel && envelope.reference.is_none() {
            return envelope.error.map(|error| (error.code, error.message.to_owned()));
        }
    }
    None
}

/// The session was ended with this code, by a message that names this rule.
#[track_caller]
pub(crate) fn assert_told(told: Option<(Code, String)>, code: Code, rule: &str) {
    let (told_code, text) = told.unwrap_or_else(|| panic!("no goodbye, expected [{rule}]"));
    assert!(text.starts_with(&format!("[{rule}] ")), "expected [{rule}]: {text}");
    assert_eq!(told_code, code, "{text}");
}

//! `tests/vectors/seal/`: whole handshakes with fixed keys. Our engines say exactly these bytes, and
//! `snow` with the same keys does, too. `FLUXAR_BLESS=1` writes the file anew.

use bytes::BytesMut;
use fluxar::Limits;
use fluxar::engine::event::{Event, Request};
use fluxar::engine::session::auth::{Credential, Identity, Rights};
use fluxar::engine::session::handshake::{HelloBody, PeerInfo};
use fluxar::engine::session::resume::LinkFacts;
use fluxar::engine::time::Time;
use fluxar::engine::wire::seal::{Psk, SealConfig, SealKey, Suite};
use fluxar::engine::{Engine, EngineConfig, Role, WireConfig};
use fluxar::engine::{frame, message::envelope::Envelope};
use serde_json::{Value, json};
use snow::{Builder, HandshakeState, TransportState};
use std::path::PathBuf;

const NOW: Time = Time::from_micros(1_000_000);
const DIALER: [u8; 32] = [0x11; 32];
const ACCEPTOR: [u8; 32] = [0x22; 32];
const DIALER_EPHEMERAL: [u8; 32] = [0x33; 32];
const ACCEPTOR_EPHEMERAL: [u8; 32] = [0x44; 32];
const PSK: [u8; 32] = [0x55; 32];
const TOKEN: &str = "t0ken";

struct End {
    engine: Engine,
    inbox: BytesMut,
}

impl End {
    fn new(suite: Suite, role: Role) -> Self {
        let is_dialer = role == Role::Dialer;
        let secret = if is_dialer { DIALER } else { ACCEPTOR };
        let random = if is_dialer { DIALER_EPHEMERAL } else { ACCEPTOR_EPHEMERAL };
        let credential =
            if is_dialer { Credential::Bearer(TOKEN.to_owned()) } else { Credential::None };
        let name = if is_dialer { "dialer" } else { "acceptor" };
        let seal = SealConfig {
            suite,
            key: (!is_dialer || suite.pattern.is_mutual()).then(|| SealKey::from_bytes(&secret)),
            pinned: is_dialer.then(|| SealKey::from_bytes(&ACCEPTOR).public()),
            psk: suite.has_psk.then(|| Psk::from_bytes(&PSK)),
            required: true,
        };
        let config = EngineConfig {
            limits: plain_limits(),
            peer: PeerInfo { instance: [7; 16], name: name.to_owned(), roles: Vec::new() },
            credential,
            peer_rights: Rights::all(),
            session: [9; 16],
            wire: WireConfig { seal: Some(seal), ..WireConfig::default() },
        };
        let mut engine = Engine::new(config, role, NOW);
        engine.handle_link_up_with(NOW, LinkFacts::default().sealing(random));
        Self { engine, inbox: BytesMut::new() }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        self.engine.handle_bytes(NOW, &mut self.inbox);
        while let Some(event) = self.engine.poll_event() {
            if matches!(event, Event::Authenticate { .. }) {
                self.engine.accept(NOW, Identity::anonymous());
            }
        }
    }

    fn give(&mut self) -> Vec<u8> {
        let mut batch = Vec::new();
        self.engine.poll_transmit(&mut batch);
        batch
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    let digits = (0..text.len()).step_by(2).map(|at| &text[at..at + 2]);
    digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
}

fn name(suite: Suite) -> String {
    let place = match (suite.has_psk, suite.pattern.name()) {
        (false, _) => "",
        (true, "XX") => "psk3",
        (true, "IK") => "psk2",
        (true, _) => "psk0",
    };
    let (pattern, cipher) = (suite.pattern.name(), suite.cipher.name());
    format!("Noise_{pattern}{place}_25519_{cipher}_SHA256")
}

/// A whole session of ours, as a vector.
fn played(suite: Suite) -> Value {
    let (mut dialer, mut acceptor) =
        (End::new(suite, Role::Dialer), End::new(suite, Role::Acceptor));
    let offer = dialer.give();
    acceptor.take(&offer);
    let answer = acceptor.give();
    dialer.take(&answer);
    let confirm = dialer.give();
    acceptor.take(&confirm);
    let welcome = acceptor.give();
    dialer.take(&welcome);
    let request = Request { target: "a.b", payload: Some(b"\x18\x2a"), ..Request::default() };
    dialer.engine.call(NOW, &request).unwrap();
    let call = dialer.give();
    acceptor.take(&call);
    json!({
        "name": name(suite),
        "seal": suite.number(),
        "rules": ["L4.seal.1", "L4.seal.3", "L4.seal.4", "L4.seal.6", "L4.seal.7", "L1.seal.1"],
        "offer": hex(&offer),
        "answer": hex(&answer),
        "confirm": hex(&confirm),
        "welcome": hex(&welcome),
        "call": hex(&call),
        "hash": hex(&dialer.engine.seal_hash().unwrap()),
    })
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/seal/sessions.json")
}

#[test]
fn our_engines_say_the_bytes_of_the_vectors() {
    let keys = json!({
        "dialer_static": hex(&DIALER),
        "acceptor_static": hex(&ACCEPTOR),
        "dialer_ephemeral": hex(&DIALER_EPHEMERAL),
        "acceptor_ephemeral": hex(&ACCEPTOR_EPHEMERAL),
        "psk": hex(&PSK),
        "token": TOKEN,
    });
    let sessions: Vec<Value> = Suite::ALL.into_iter().map(played).collect();
    let now = json!({ "keys": keys, "sessions": sessions });
    if std::env::var_os("FLUXAR_BLESS").is_some() {
        let text = serde_json::to_string_pretty(&now).unwrap();
        std::fs::write(path(), text + "\n").unwrap();
    }
    let known: Value = serde_json::from_str(&std::fs::read_to_string(path()).unwrap()).unwrap();
    assert_eq!(known, now);
}

fn end(suite: Suite, initiator: bool, prologue: &[u8]) -> HandshakeState {
    let public = SealKey::from_bytes(&ACCEPTOR).public().to_bytes();
    let (own, ephemeral) = match initiator {
        true => (&DIALER, &DIALER_EPHEMERAL),
        false => (&ACCEPTOR, &ACCEPTOR_EPHEMERAL),
    };
    let mut builder = Builder::new(name(suite).parse().unwrap())
        .prologue(prologue)
        .unwrap()
        .fixed_ephemeral_key_for_testing_only(ephemeral);
    if suite.pattern.is_mutual() || !initiator {
        builder = builder.local_private_key(own).unwrap();
    }
    if suite.pattern.is_pinned() && initiator {
        builder = builder.remote_public_key(&public).unwrap();
    }
    if suite.has_psk {
        let place = name(suite).split("psk").nth(1).unwrap()[..1].parse().unwrap();
        builder = builder.psk(place, &PSK).unwrap();
    }
    if initiator { builder.build_initiator().unwrap() } else { builder.build_responder().unwrap() }
}

/// The body of a HELLO with zeros where its Noise message stands, and that message.
fn parts(frame_bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let frame = frame::decode(&frame_bytes[4..]).unwrap();
    let mut body = Envelope::decode(frame.body).unwrap().payload.unwrap().to_vec();
    let message = match HelloBody::decode(&body) {
        Ok(hello) => hello.seal,
        // A confirmation: {34: message}.
        Err(_) => {
            let head = if body[3] == 0x58 { 5 } else { 6 };
            body[head..].to_vec()
        }
    };
    let at = body.len() - message.len();
    assert_eq!(body[at..], message);
    body[at..].fill(0);
    (body, message)
}

/// Another implementation of Noise, told no more than the specification tells, makes the same
/// messages and opens the same records.
#[test]
fn another_implementation_makes_and_opens_the_same() {
    let known: Value = serde_json::from_str(&std::fs::read_to_string(path()).unwrap()).unwrap();
    for (vector, suite) in known["sessions"].as_array().unwrap().iter().zip(Suite::ALL) {
        let [offer, answer, confirm] =
            ["offer", "answer", "confirm"].map(|field| parts(&unhex(&vector[field])));
        let id = |id: u64| id.to_be_bytes();
        let prologue = [b"fluxar/1 seal".as_slice(), &id(1), &offer.0].concat();
        let (mut dialer, mut acceptor) =
            (end(suite, true, &prologue), end(suite, false, &prologue));
        let mut buffer = vec![0; 65_535];
        let len = dialer.write_message(&[], &mut buffer).unwrap();
        assert_eq!(buffer[..len], offer.1, "{}", name(suite));
        acceptor.read_message(&offer.1, &mut buffer).unwrap();

        let text = [b"fluxar/1 answer".as_slice(), &id(2), &answer.0].concat();
        let payload = sha256(&text);
        let len = acceptor.write_message(&payload, &mut buffer).unwrap();
        assert_eq!(buffer[..len], answer.1, "{}", name(suite));
        dialer.read_message(&answer.1, &mut buffer).unwrap();

        let presented = [&[0xa1, 5, 0xa2, 0, 0x66][..], b"bearer", &[1, 0x45], TOKEN.as_bytes()];
        let presented = presented.concat();
        let transport: (TransportState, TransportState);
        let len = if dialer.is_handshake_finished() {
            let mut both =
                (dialer.into_transport_mode().unwrap(), acceptor.into_transport_mode().unwrap());
            let len = both.0.write_message(&presented, &mut buffer).unwrap();
            let message = buffer[..len].to_vec();
            both.1.read_message(&message, &mut buffer).unwrap();
            buffer[..len].copy_from_slice(&message);
            transport = both;
            len
        } else {
            let len = dialer.write_message(&presented, &mut buffer).unwrap();
            let message = buffer[..len].to_vec();
            acceptor.read_message(&message, &mut buffer).unwrap();
            assert_eq!(hex(dialer.get_handshake_hash()), vector["hash"].as_str().unwrap());
            transport =
                (dialer.into_transport_mode().unwrap(), acceptor.into_transport_mode().unwrap());
            buffer[..len].copy_from_slice(&message);
            len
        };
        assert_eq!(buffer[..len], confirm.1, "{}", name(suite));
        let (mut dialer, mut acceptor) = transport;
        for (field, state) in [("welcome", &mut dialer), ("call", &mut acceptor)] {
            let sealed = unhex(&vector[field]);
            assert_eq!(sealed[4], 4, "SEALED alone");
            let len = state.read_message(&sealed[5..], &mut buffer).unwrap();
            let whole = frame::whole_len(&buffer[..len], 65_535).unwrap();
            assert_eq!(whole, Some(len), "one frame, with its length");
            let inner = frame::decode(&buffer[4..len]).unwrap();
            Envelope::decode(inner.body).unwrap();
        }
    }
}

fn sha256(text: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).into()
}

/// The vectors are of peers that write names.
fn plain_limits() -> Limits {
    let mut limits = Limits::default();
    limits.numbered_keys = false;
    limits
}

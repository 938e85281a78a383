//! The public vectors of Noise (cacophony's and snow's own), read from the source of the `snow`
//! crate, where cargo has put it.

use fluxar::engine::wire::seal::{Cipher, Handshake, KEY_BYTES, Pattern, SealError, Setup};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// Vectors with our patterns and functions in both files, and messages in them.
const VECTORS: usize = 22;
const MESSAGES: usize = 122;

#[test]
fn public_vectors_match_bit_for_bit_in_both_roles() {
    let mut counted = (0, 0);
    for file in ["cacophony.txt", "snow.txt"] {
        let text = std::fs::read_to_string(folder().join(file)).unwrap();
        let all: Value = serde_json::from_str(&text).unwrap();
        for vector in all["vectors"].as_array().unwrap() {
            let Some(name) = Name::parse(vector["protocol_name"].as_str().unwrap()) else {
                continue;
            };
            counted.0 += 1;
            counted.1 += check(vector, &name);
        }
    }
    assert_eq!(counted, (VECTORS, MESSAGES));
}

/// Where the crate's tests are.
fn folder() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let known = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--manifest-path", manifest])
        .output()
        .unwrap();
    assert!(known.status.success(), "{}", String::from_utf8_lossy(&known.stderr));
    let known: Value = serde_json::from_slice(&known.stdout).unwrap();
    let packages = known["packages"].as_array().unwrap();
    let snow = packages.iter().find(|package| package["name"] == "snow").unwrap();
    let manifest = PathBuf::from(snow["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().join("tests/vectors")
}

struct Name {
    pattern: Pattern,
    psk: Option<u8>,
    cipher: Cipher,
}

impl Name {
    /// `None` for a protocol that is not ours.
    fn parse(name: &str) -> Option<Self> {
        let parts: Vec<&str> = name.split('_').collect();
        let ["Noise", pattern, "25519", cipher, "SHA256"] = parts[..] else { return None };
        let (pattern, psk) = match pattern.split_once("psk") {
            Some((pattern, place)) => (pattern, Some(place.parse().ok()?)),
            None => (pattern, None),
        };
        let pattern = [Pattern::Xx, Pattern::Ik, Pattern::Nk]
            .into_iter()
            .find(|known| known.name() == pattern)?;
        let cipher = [Cipher::ChaChaPoly, Cipher::AesGcm]
            .into_iter()
            .find(|known| known.name() == cipher)?;
        Some(Self { pattern, psk, cipher })
    }
}

fn hex(value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str()?;
    Some(
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect(),
    )
}

fn key(value: &Value) -> Option<[u8; KEY_BYTES]> {
    Some(hex(value)?.try_into().unwrap())
}

fn side(vector: &Value, name: &Name, initiator: bool) -> Handshake {
    let of = |what: &str| {
        let side = if initiator { "init" } else { "resp" };
        &vector[format!("{side}_{what}")]
    };
    let prologue = hex(of("prologue")).unwrap();
    let psk = key(&of("psks")[0]);
    Handshake::new(&Setup {
        pattern: name.pattern,
        cipher: name.cipher,
        initiator,
        prologue: &prologue,
        static_secret: key(of("static")).as_ref(),
        ephemeral_secret: &key(of("ephemeral")).unwrap(),
        remote_static: key(of("remote_static")),
        psk: name.psk.map(|place| (place, psk.as_ref().unwrap())),
    })
    .unwrap()
}

/// Plays one vector; gives the number of its messages.
fn check(vector: &Value, name: &Name) -> usize {
    let label = vector["protocol_name"].as_str().unwrap();
    let messages = vector["messages"].as_array().unwrap();
    let mut ends = [side(vector, name, true), side(vector, name, false)];
    let mut at = 0;
    while !ends[0].is_finished() {
        let (payload, wanted) = message(&messages[at]);
        let mut sent = Vec::new();
        ends[at % 2].write(&payload, &mut sent).unwrap();
        assert_eq!(sent, wanted, "{label}, message {at}");
        assert_eq!(ends[(at + 1) % 2].read(&sent), Ok(payload), "{label}, message {at}");
        at += 1;
    }
    assert!(ends[1].is_finished());
    let [initiator, responder] = ends.map(|end| end.split().unwrap());
    if let Some(hash) = hex(&vector["handshake_hash"]) {
        assert_eq!((&initiator.hash[..], &responder.hash[..]), (&hash[..], &hash[..]), "{label}");
    }
    assert_eq!(initiator.export(b"a")[..], responder.export(b"a")[..], "{label}");
    assert_ne!(initiator.export(b"a")[..], initiator.export(b"b")[..], "{label}");
    let mut ends = [initiator, responder];
    for (at, both) in messages.iter().enumerate().skip(at) {
        let (payload, wanted) = message(both);
        let mut sent = payload.clone();
        ends[at % 2].send.encrypt(&[], &mut sent, 0).unwrap();
        assert_eq!(sent, wanted, "{label}, message {at}");
        let receive = &mut ends[(at + 1) % 2].receive;
        for bit in 0..sent.len() * 8 {
            let mut forged = sent.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(receive.decrypt(&[], &mut forged), Err(SealError::Forged), "{label}");
        }
        let len = receive.decrypt(&[], &mut sent).unwrap();
        assert_eq!(sent[..len], payload, "{label}, message {at}");
    }
    messages.len()
}

fn message(value: &Value) -> (Vec<u8>, Vec<u8>) {
    (hex(&value["payload"]).unwrap(), hex(&value["ciphertext"]).unwrap())
}

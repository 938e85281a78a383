//! HELLO bodies: what is accepted is deterministic CBOR, survives being written again, and takes
//! a fresh acceptor no further than to its authenticator.
#![no_main]

use ciborium::Value;
use fluxar::Limits;
use fluxar::engine::Role;
use fluxar::engine::session::auth::Credential;
use fluxar::engine::session::handshake::HelloBody;
use fluxar::engine::session::phase::Phase;
use fluxar_fuzz::{End, START};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let body = HelloBody::decode(bytes);
    let mut acceptor = End::new(Limits::default(), Role::Acceptor);
    acceptor.receive(START, &offer(bytes));
    assert_ne!(acceptor.engine.phase(), Phase::Ready, "nobody has decided yet");
    let Ok(body) = body else {
        assert_eq!(acceptor.engine.phase(), Phase::Closed, "a broken offer ends the session");
        return;
    };
    let mut rest = bytes;
    let value: Value = ciborium::from_reader(&mut rest).expect("ciborium reads what we accept");
    assert!(rest.is_empty());
    let mut again = Vec::new();
    ciborium::into_writer(&value, &mut again).expect("a vector takes everything");
    assert_eq!(again, bytes, "accepted, and not deterministic");
    // A credential that is not of its scheme's form has lost what it was.
    if !matches!(body.credential, Some(Credential::Other { .. })) {
        assert_eq!(HelloBody::decode(&body.encode()).as_ref(), Ok(&body));
    }
});

/// An offer with this body, in one frame.
fn offer(body: &[u8]) -> Vec<u8> {
    let payload = Value::Bytes(body.to_vec());
    let null = Value::Null;
    let fields = vec![1.into(), 1.into(), null.clone(), null.clone(), null.clone(), payload, null];
    let mut envelope = vec![0, 0, 0, 0, 0x40];
    ciborium::into_writer(&Value::Array(fields), &mut envelope).expect("a vector takes everything");
    let len = u32::try_from(envelope.len() - 4).expect("libFuzzer's inputs are short");
    envelope[..4].copy_from_slice(&len.to_be_bytes());
    envelope
}

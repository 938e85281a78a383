//! Envelopes: what is accepted is deterministic CBOR, so that another library reads the same from
//! it and writes the same bytes again; and every form of every kind is told without a panic.
#![no_main]

use ciborium::Value;
use fluxar::engine::message::Form;
use fluxar::engine::message::envelope::Envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(envelope) = Envelope::decode(bytes) else { return };
    let mut rest = bytes;
    let value: Value = ciborium::from_reader(&mut rest).expect("ciborium reads what we accept");
    assert!(rest.is_empty(), "nothing follows an accepted envelope");
    let mut again = Vec::new();
    ciborium::into_writer(&value, &mut again).expect("a vector takes everything");
    assert_eq!(again, bytes, "accepted, and not deterministic");
    compare(&envelope, &value);
    // The form is a judgement about an envelope that is well formed: it may be refused.
    let _ = Form::of(&envelope);
});

fn compare(envelope: &Envelope<'_>, value: &Value) {
    let fields = value.as_array().expect("an envelope is an array");
    assert_eq!(fields.len(), 7);
    let kind = fields[0].as_integer().expect("the kind is a number");
    assert_eq!(i128::from(kind), i128::from(envelope.kind.number()));
    assert_eq!(id(&fields[1]), envelope.id.map(|id| id.number()));
    assert_eq!(id(&fields[2]), envelope.reference.map(|id| id.number()));
    assert_eq!(fields[3].as_text(), envelope.target);
    assert_eq!(fields[4].is_null(), envelope.meta.raw.is_empty());
    assert_eq!(fields[5].as_bytes().map(Vec::as_slice), envelope.payload);
    assert_eq!(fields[6].is_null(), envelope.error.is_none());
}

fn id(value: &Value) -> Option<u128> {
    match value {
        Value::Integer(number) => u128::try_from(i128::from(*number)).ok(),
        Value::Bytes(bytes) => {
            let number = u128::from_be_bytes(bytes.as_slice().try_into().expect("16 bytes"));
            assert!(number > u128::from(u64::MAX), "one form for each id");
            Some(number)
        }
        other => {
            assert!(other.is_null(), "{other:?} is no id");
            None
        }
    }
}

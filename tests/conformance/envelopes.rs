//! L3: every envelope of the vectors, decoded.

use crate::vectors::{Case, cases, check_all, hex};
use ciborium::Value as Cbor;
use fluxar::engine::message::envelope::{Envelope, ErrorView};
use fluxar::engine::message::{Form, kind::Kind};
use fluxar::id::Id;
use serde_json::{Value as Json, json};

#[test]
fn valid_envelopes_decode_to_what_the_vectors_say() {
    let cases = cases("message", |file| !file.starts_with("invalid"));
    check_all(&cases, |case| {
        assert!(case.is_valid());
        let bytes = case.bytes();
        let envelope = Envelope::decode(&bytes).map_err(|violation| violation.to_string())?;
        let form = Form::of(&envelope).map_err(|violation| violation.to_string())?;
        let seen = shown(&envelope, form);
        let want = expected(case);
        if seen == want { Ok(()) } else { Err(format!("\n  have {seen}\n  want {want}")) }
    });
}

#[test]
fn invalid_envelopes_are_refused_by_their_rule() {
    let cases = cases("message", |file| file.starts_with("invalid"));
    check_all(&cases, |case| {
        let bytes = case.bytes();
        let outcome = Envelope::decode(&bytes).and_then(|envelope| Form::of(&envelope));
        let Err(violation) = outcome else { return Err("was taken".into()) };
        let seen = (violation.rule().to_owned(), violation.code().name().to_owned());
        let want = case.error();
        if seen == want { Ok(()) } else { Err(format!("{seen:?}, not {want:?}")) }
    });
}

/// The decoded form, as the vectors write it.
fn shown(envelope: &Envelope<'_>, form: Form) -> Json {
    json!({
        "type": envelope.kind.number(),
        "kind": format!("{:?}", envelope.kind).to_uppercase(),
        "form": format!("{form:?}").to_lowercase(),
        "id": envelope.id.map(number),
        "ref": envelope.reference.map(number),
        "target": envelope.target,
        "meta": meta(envelope.meta.raw),
        "payload": envelope.payload.map(hex),
        "error": envelope.error.as_ref().map(error),
    })
}

fn number(id: Id) -> String {
    id.number().to_string()
}

/// Read with another decoder than the one under test.
fn meta(raw: &[u8]) -> Json {
    if raw.is_empty() {
        return Json::Null;
    }
    let Cbor::Map(entries) = ciborium::from_reader(raw).unwrap() else { panic!("meta is no map") };
    let known = |key: &Cbor| !matches!(key, Cbor::Integer(n) if (32..64).contains(&i128::from(*n)));
    entries.iter().filter(|(key, _)| known(key)).map(|(k, v)| json!([plain(k), plain(v)])).collect()
}

fn plain(value: &Cbor) -> Json {
    match value {
        Cbor::Integer(number) => json!(u64::try_from(*number).unwrap()),
        Cbor::Bytes(bytes) => json!({ "bytes": hex(bytes) }),
        Cbor::Text(text) => json!(text),
        Cbor::Bool(flag) => json!(flag),
        Cbor::Array(items) => items.iter().map(plain).collect(),
        other => panic!("{other:?} in meta"),
    }
}

fn error(view: &ErrorView<'_>) -> Json {
    json!({
        "code": view.code.number(),
        "message": view.message,
        "type": view.type_name,
        "details": view.details.map(hex),
        "retry_after_ms": view.retry_after_ms,
    })
}

/// What the case says, with the error by names and unknown codes as `unknown`.
fn expected(case: &Case) -> Json {
    let mut want = case.json["decoded"].clone();
    if let Some(entries) = want["error"].as_array() {
        let get = |key: u64| {
            let found = entries.iter().find(|entry| entry[0] == key);
            found.map_or(Json::Null, |entry| entry[1].clone())
        };
        let code = get(0).as_u64().unwrap();
        want["error"] = json!({
            // [L3.error.2]
            "code": if code > 17 { 2 } else { code },
            "message": get(1).as_str().unwrap_or_default(),
            "type": get(2),
            "details": get(3)["bytes"],
            "retry_after_ms": get(4),
        });
    }
    want
}

#[test]
fn every_kind_and_every_form_has_vectors() {
    let mut kinds = std::collections::HashSet::new();
    let mut forms = std::collections::HashSet::new();
    for case in cases("message", |file| !file.starts_with("invalid")) {
        kinds.insert(case.json["decoded"]["type"].as_u64().unwrap());
        forms.insert(case.json["decoded"]["form"].as_str().unwrap().to_owned());
    }
    assert!((1..=7).all(|kind| kinds.contains(&kind) && Kind::from_number(kind).is_ok()));
    assert_eq!(forms.len(), 20, "{forms:?}");
}

//! Row 38 of the attack list: tokens that must not pass.

use super::*;
use crate::engine::session::challenge::IdentityKey;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;
const SECRET: &[u8] = b"a secret of 32 bytes, or of more";

fn signer() -> IdentityKey {
    IdentityKey::from_seed(&[7; 32])
}

fn auth() -> JwtAuth {
    let auth = JwtAuth::new("node-1").issuer("home").eddsa(signer().public());
    auth.hs256(SECRET).unwrap()
}

fn good() -> Value {
    json!({"sub": "ada", "aud": "node-1", "iss": "home", "exp": NOW + 600, "scope": "call sing"})
}

fn with(change: Value) -> Value {
    let mut claims = good();
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn part(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn signed(header: &str, claims: &str) -> String {
    let head = format!("{}.{}", part(header), part(claims));
    let signature = signer().sign(head.as_bytes());
    format!("{head}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn mac(header: &str, claims: &Value, secret: &[u8]) -> String {
    let head = format!("{}.{}", part(header), part(&claims.to_string()));
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap().chain_update(&head).finalize();
    format!("{head}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()))
}

const EDDSA: &str = r#"{"alg":"EdDSA","typ":"JWT"}"#;
const HS256: &str = r#"{"alg":"HS256"}"#;

fn check(token: &str) -> Result<Identity, &'static str> {
    auth().check(token, Duration::from_secs(NOW), None)
}

fn checked(claims: &Value) -> Result<Identity, &'static str> {
    check(&signed(EDDSA, &claims.to_string()))
}

#[test]
fn a_good_token_makes_an_identity_that_ends_with_it() {
    for token in [signed(EDDSA, &good().to_string()), mac(HS256, &good(), SECRET)] {
        let identity = check(&token).unwrap();
        assert_eq!(identity.name, "ada");
        assert_eq!(identity.valid_for, Some(Duration::from_secs(660)));
        let singing = auth().rights(|claims| {
            assert_eq!((claims.issuer.as_str(), claims.expires), ("home", NOW + 600));
            claims.scope.iter().fold(Rights::none(), |rights, word| rights.call(word))
        });
        let identity = singing.check(&token, Duration::from_secs(NOW), None).unwrap();
        assert!(identity.rights.may_call("sing") && !identity.rights.may_call("dance"));
    }
    checked(&with(json!({"aud": ["other", "node-1"]}))).unwrap();
}

/// [L4.jwt.1]: the key decides the algorithm, so that a public key is never taken for a secret.
#[test]
fn the_token_does_not_choose_its_algorithm() {
    let claims = good().to_string();
    for alg in ["none", "None", "NONE", "", "HS256", "HS512", "RS256", "ES256", "Ed25519"] {
        let header = format!(r#"{{"alg":"{alg}"}}"#);
        assert!(check(&signed(&header, &claims)).is_err(), "{alg}");
        assert!(check(&format!("{}.{}.", part(&header), part(&claims))).is_err(), "{alg}");
    }
    let public = signer().public();
    let only_public = JwtAuth::new("node-1").eddsa(public);
    let confused = mac(HS256, &good(), public.as_bytes());
    assert!(only_public.check(&confused, Duration::from_secs(NOW), None).is_err());
    let eddsa_with_mac = mac(EDDSA, &good(), SECRET);
    assert!(check(&eddsa_with_mac).is_err());
    assert!(JwtAuth::new("node-1").check(&confused, Duration::from_secs(NOW), None).is_err());
}

/// [L4.jwt.2]
#[test]
fn claims_that_do_not_fit_are_refused() {
    for wrong in [
        json!({"aud": "node-2"}),
        json!({"aud": []}),
        json!({"aud": ["node-2", "node-11"]}),
        json!({"aud": null}),
        json!({"iss": "elsewhere"}),
        json!({"iss": null}),
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"exp": null}),
        json!({"exp": "soon"}),
        json!({"exp": -1}),
        json!({"exp": NOW - 60}),
        json!({"exp": NOW + 15 * 60 + 61}),
        json!({"exp": u64::MAX}),
        json!({"nbf": NOW + 61}),
        json!({"iat": NOW + 61}),
    ] {
        assert!(checked(&with(wrong.clone())).is_err(), "{wrong}");
    }
    // Two clocks may differ by a minute.
    for right in [
        json!({"exp": NOW - 59}),
        json!({"exp": NOW + 15 * 60 + 60}),
        json!({"nbf": NOW + 60, "iat": NOW + 60}),
    ] {
        assert!(checked(&with(right.clone())).is_ok(), "{right}");
    }
}

/// [L4.jwt.3]: row 38, a token stolen from another link.
#[test]
fn a_token_bound_to_a_certificate_is_worth_nothing_without_it() {
    let thumb = URL_SAFE_NO_PAD.encode([9; 32]);
    let token = signed(EDDSA, &with(json!({"cnf": {"x5t#S256": thumb}})).to_string());
    let at = |shown| auth().check(&token, Duration::from_secs(NOW), shown);
    assert!(at(Some(&[9; 32])).is_ok());
    assert!(at(Some(&[8; 32])).is_err(), "another certificate");
    assert!(at(None).is_err(), "a link without any");
    for unknown in [json!({"jkt": "x"}), json!({}), json!({"x5t#S256": "*"})] {
        assert!(checked(&with(json!({"cnf": unknown}))).is_err());
    }
}

#[test]
fn bytes_that_were_changed_are_noticed() {
    let token = signed(EDDSA, &good().to_string());
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(check(std::str::from_utf8(&bytes).unwrap()).is_err(), "byte {at}");
    }
    for text in ["", ".", "..", "...", "a.b.c", &token[..token.len() - 1], &format!("{token}=")] {
        assert!(check(text).is_err(), "{text}");
    }
    assert!(check(&format!("{token}.{token}")).is_err());
    assert!(check(&"a".repeat(9000)).is_err());
}

#[test]
fn headers_and_claims_say_everything_once_and_nothing_extra_that_matters() {
    let claims = good().to_string();
    let twice = claims.replacen('{', r#"{"sub":"eve","#, 1);
    assert!(check(&signed(EDDSA, &twice)).is_err(), "two subjects");
    assert!(check(&signed(EDDSA, &format!("{claims} {{}}"))).is_err(), "two objects");
    for header in [
        r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#,
        r#"{"alg":"EdDSA","typ":"dpop+jwt"}"#,
        r#"{"alg":"EdDSA","alg":"EdDSA"}"#,
        r#"{"typ":"JWT"}"#,
    ] {
        assert!(check(&signed(header, &claims)).is_err(), "{header}");
    }
    assert!(check(&signed(r#"{"alg":"EdDSA","kid":"a","typ":"at+jwt"}"#, &claims)).is_ok());
}

#[test]
fn secrets_are_long_and_not_shown() {
    assert!(JwtAuth::new("a").hs256(b"short").is_err());
    let text = format!("{:?}", auth());
    assert!(!text.contains("secret"), "{text}");
}

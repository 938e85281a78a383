//! JSON Web Tokens as bearer tokens.
//!
//! Checked here, in few lines, rather than by a crate: the ones there are bring RSA and a second
//! generation of every primitive, or another TLS provider's library. Two algorithms are enough:
//! EdDSA over Ed25519 for tokens of an issuer, HS256 for those of the same owner.

use crate::engine::session::auth::{Credential, Identity, Rights};
use crate::engine::session::challenge::PublicKey;
use crate::error::Status;
use crate::peer::allow::unwelcome;
use crate::peer::node::{AuthAttempt, Authenticator};
use crate::peer::router::BoxFuture;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How far two clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(60);
/// How long a token may live, unless it is set otherwise.
const LIFE_MAX: Duration = Duration::from_secs(15 * 60);
/// Bytes of a token; HELLO takes no more either.
const TOKEN_BYTES_MAX: usize = 8 << 10;
/// Bytes of an HS256 secret, at least: those of the hash.
const SECRET_BYTES_MIN: usize = 32;
/// Keys of one authenticator, which are tried one after the other.
const KEYS_MAX: usize = 16;

/// Takes JSON Web Tokens that are for this audience, signed by one of its keys, and not expired.
///
/// The key decides the algorithm, never the token. A token's `sub` becomes the identity's name,
/// its `exp` the end of it: what the peer has opened ends then, unless it has authenticated again
/// with a fresh one ([`Client::reauthenticate`](crate::Client::reauthenticate)). A token that is
/// bound to a certificate (`cnf`, RFC 8705) is taken only from a link whose peer has shown it.
#[derive(Clone)]
pub struct JwtAuth {
    audience: String,
    issuer: Option<String>,
    life_max: Duration,
    keys: Vec<Key>,
    rights: Arc<dyn Fn(&JwtClaims) -> Rights + Send + Sync>,
}

#[derive(Clone)]
enum Key {
    EdDsa(PublicKey),
    Hs256(Hmac<Sha256>),
}

/// What a token says, once all of it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JwtClaims {
    /// `sub`.
    pub subject: String,
    /// `iss`, or nothing.
    pub issuer: String,
    /// `scope`, word by word.
    pub scope: Vec<String>,
    /// `exp`: seconds since 1970.
    pub expires: u64,
}

impl JwtAuth {
    /// Takes tokens whose `aud` is or has `audience`. Without a key that is none.
    ///
    /// Whoever has such a token may do everything, until [`JwtAuth::rights`] says otherwise.
    #[must_use]
    pub fn new(audience: impl Into<String>) -> Self {
        let (issuer, keys) = (None, Vec::new());
        let rights = Arc::new(|_: &JwtClaims| Rights::all());
        Self { audience: audience.into(), issuer, life_max: LIFE_MAX, keys, rights }
    }

    /// Takes tokens that the holder of this Ed25519 key signed (`EdDSA`).
    #[must_use]
    pub fn eddsa(mut self, key: PublicKey) -> Self {
        self.keys.push(Key::EdDsa(key));
        self.keys.truncate(KEYS_MAX);
        self
    }

    /// Takes tokens made with this secret (`HS256`).
    ///
    /// # Errors
    /// The secret has less than 32 bytes: a short one is found by trying.
    pub fn hs256(mut self, secret: &[u8]) -> Result<Self, &'static str> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err("an HS256 secret has 32 random bytes at least: make a longer one");
        }
        let hmac = Hmac::new_from_slice(secret).map_err(|_| "HMAC takes no such secret")?;
        self.keys.push(Key::Hs256(hmac));
        self.keys.truncate(KEYS_MAX);
        Ok(self)
    }

    /// Takes only tokens whose `iss` is this.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// How far ahead `exp` may be. 15 minutes: a token that leaks is soon worth nothing.
    #[must_use]
    pub fn life_max(mut self, life: Duration) -> Self {
        self.life_max = life;
        self
    }

    /// What the holder of a token may do.
    #[must_use]
    pub fn rights(mut self, rights: impl Fn(&JwtClaims) -> Rights + Send + Sync + 'static) -> Self {
        self.rights = Arc::new(rights);
        self
    }

    /// Checks a token at a time, shown over a link whose peer has this certificate. The reason of
    /// a refusal is for the log of this side.
    fn check(
        &self,
        token: &str,
        now: Duration,
        certificate: Option<&[u8; 32]>,
    ) -> Result<Identity, &'static str> {
        let claims = self.verified(token)?;
        let expires = Duration::from_secs(claims.exp).saturating_add(LEEWAY);
        if expires <= now {
            return Err("it has expired");
        }
        if expires > now.saturating_add(self.life_max).saturating_add(2 * LEEWAY) {
            return Err("it lives longer than this side takes");
        }
        let future = now + LEEWAY;
        if [claims.nbf, claims.iat].into_iter().flatten().any(|t| Duration::from_secs(t) > future) {
            return Err("it is not valid yet");
        }
        if !claims.aud.names(&self.audience) {
            return Err("it is for another audience");
        }
        let issuer = claims.iss.unwrap_or_default();
        if self.issuer.as_ref().is_some_and(|wanted| *wanted != issuer) {
            return Err("another issuer made it");
        }
        if claims.sub.is_empty() {
            return Err("it is about nobody");
        }
        if let Some(bound) = claims.cnf {
            let bound = bound.certificate.ok_or("it is bound to something unknown")?;
            let bound = URL_SAFE_NO_PAD.decode(bound).map_err(|_| "its binding is no hash")?;
            if certificate.is_none_or(|shown| bound != shown[..]) {
                return Err("it is bound to another link's certificate");
            }
        }
        let scope = claims.scope.unwrap_or_default();
        let claims = JwtClaims {
            subject: claims.sub,
            issuer,
            scope: scope.split_whitespace().map(str::to_owned).collect(),
            expires: claims.exp,
        };
        let left = expires.saturating_sub(now);
        let rights = (self.rights)(&claims);
        Ok(Identity::new(claims.subject, rights).valid_for(left))
    }

    /// The claims of a token that one of our keys has signed.
    fn verified(&self, token: &str) -> Result<Claims, &'static str> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err("it is too long");
        }
        let (signed, signature) = token.rsplit_once('.').ok_or("it is no token")?;
        let (header, claims) = signed.split_once('.').ok_or("it is no token")?;
        let header: Header = json(header)?;
        if header.crit.is_some() {
            return Err("it needs extensions");
        }
        if header
            .typ
            .is_some_and(|typ| !["JWT", "at+jwt"].iter().any(|t| typ.eq_ignore_ascii_case(t)))
        {
            return Err("it is of another type");
        }
        let signature =
            URL_SAFE_NO_PAD.decode(signature).map_err(|_| "its signature is unreadable")?;
        let fits = |key: &Key| match key {
            Key::EdDsa(key) => {
                let signature = signature.as_slice().try_into();
                header.alg == "EdDSA" && signature.is_ok_and(|s| key.verifies(signed.as_bytes(), s))
            }
            Key::Hs256(hmac) => {
                let hmac = hmac.clone().chain_update(signed);
                header.alg == "HS256" && hmac.verify_slice(&signature).is_ok()
            }
        };
        if !self.keys.iter().any(fits) {
            return Err("none of the keys here has signed it");
        }
        json(claims)
    }
}

/// One part of a token. Duplicate members are an error, and so is anything behind the object.
fn json<T: for<'a> Deserialize<'a>>(part: &str) -> Result<T, &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| "a part of it is no base64url")?;
    serde_json::from_slice(&bytes).map_err(|_| "a part of it is no such JSON")
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    exp: u64,
    nbf: Option<u64>,
    iat: Option<u64>,
    iss: Option<String>,
    scope: Option<String>,
    cnf: Option<Bound>,
}

#[derive(Deserialize)]
struct Bound {
    #[serde(rename = "x5t#S256")]
    certificate: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

impl Authenticator for JwtAuth {
    fn authenticate(&self, attempt: AuthAttempt) -> BoxFuture<Result<Identity, Status>> {
        let certificate = attempt.certificate().map(|shown| *shown.fingerprint.as_bytes());
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let outcome = match &attempt.credential {
            Credential::Bearer(token) => self.check(token, now, certificate.as_ref()),
            _ => Err("it is no bearer token"),
        };
        let outcome = outcome.map_err(|reason| {
            tracing::debug!(target: "fluxar", reason, "a token is refused");
            unwelcome()
        });
        Box::pin(std::future::ready(outcome))
    }
}

impl std::fmt::Debug for JwtAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwtAuth")
            .field("audience", &self.audience)
            .field("issuer", &self.issuer)
            .field("life_max", &self.life_max)
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! An authenticator that is a list.

use crate::engine::session::auth::{Credential, Identity};
use crate::engine::session::challenge::PublicKey;
use crate::error::{Code, Status};
use crate::peer::node::{AuthAttempt, Authenticator};
use crate::peer::router::BoxFuture;
use crate::transport::{Fingerprint, PeerCertificate};
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

/// Who is welcome: tokens, keys, certificates and seals, each with the identity it stands for. Everybody
/// else is refused, and not told why.
///
/// ```
/// # use fluxar::{AllowList, Identity, Rights};
/// let sensor = Identity::new("sensor", Rights::none().publish("sensors.>"));
/// let list = AllowList::new()
///     .token("s3cret", Identity::new("operator", Rights::all()))
///     .certificate_name("sensor-7.example", sensor);
/// ```
#[derive(Clone, Default)]
pub struct AllowList {
    /// By the hash of the secret: looking one up takes a time that tells nothing about others.
    tokens: FxHashMap<[u8; 32], Identity>,
    keys: FxHashMap<PublicKey, Identity>,
    names: FxHashMap<String, Identity>,
    fingerprints: FxHashMap<Fingerprint, Identity>,
    seal_keys: FxHashMap<[u8; 32], Identity>,
    any_certificate: Option<Identity>,
}

impl AllowList {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Who presents this bearer token or API key.
    #[must_use]
    pub fn token(mut self, token: &str, identity: Identity) -> Self {
        self.tokens.insert(Sha256::digest(token).into(), identity);
        self
    }

    /// Who proves to hold the secret of this key.
    #[must_use]
    pub fn key(mut self, key: PublicKey, identity: Identity) -> Self {
        self.keys.insert(key, identity);
        self
    }

    /// Whose certificate has this DNS name or URI. Its authority is
    /// [`TlsServer::client_ca`](crate::transport::TlsServer)'s.
    #[must_use]
    pub fn certificate_name(mut self, name: impl Into<String>, identity: Identity) -> Self {
        self.names.insert(name.into(), identity);
        self
    }

    /// Who shows just this certificate.
    #[must_use]
    pub fn certificate(mut self, fingerprint: Fingerprint, identity: Identity) -> Self {
        self.fingerprints.insert(fingerprint, identity);
        self
    }

    /// Who shows any certificate that the listener takes: with these rights, and the name of the
    /// certificate's subject, or else its first name or its fingerprint.
    #[must_use]
    pub fn any_certificate(mut self, identity: Identity) -> Self {
        self.any_certificate = Some(identity);
        self
    }

    /// Who seals the session with this key ([`Seal::require`](crate::Seal::require) of the dialer)
    /// and presents nothing else.
    #[cfg(feature = "seal")]
    #[must_use]
    pub fn seal_key(mut self, key: crate::SealPublicKey, identity: Identity) -> Self {
        self.seal_keys.insert(key.to_bytes(), identity);
        self
    }

    fn find(&self, attempt: &AuthAttempt) -> Option<Identity> {
        match &attempt.credential {
            Credential::Bearer(token) | Credential::ApiKey(token) => {
                let hash: [u8; 32] = Sha256::digest(token).into();
                self.tokens.get(&hash).cloned()
            }
            Credential::PublicKey(key) => self.keys.get(key).cloned(),
            Credential::Certificate => {
                let shown = attempt.certificate()?;
                // Whoever shows one has proved the key of the seal, too.
                self.certified(shown).or_else(|| self.sealed(attempt))
            }
            Credential::None => self.sealed(attempt),
            _ => None,
        }
    }

    fn sealed(&self, attempt: &AuthAttempt) -> Option<Identity> {
        self.seal_keys.get(&attempt.seal_key?).cloned()
    }

    fn certified(&self, shown: &PeerCertificate) -> Option<Identity> {
        let named = || shown.names.iter().find_map(|name| self.names.get(name));
        let found = self.fingerprints.get(&shown.fingerprint).or_else(named);
        found.cloned().or_else(|| {
            let mut identity = self.any_certificate.clone()?;
            identity.name = shown.known_as();
            Some(identity)
        })
    }
}

impl Authenticator for AllowList {
    fn authenticate(&self, attempt: AuthAttempt) -> BoxFuture<Result<Identity, Status>> {
        let outcome = self.find(&attempt).ok_or_else(unwelcome);
        Box::pin(std::future::ready(outcome))
    }
}

/// Says nothing about what was wrong. `[L4.auth.1]`
pub(crate) fn unwelcome() -> Status {
    let text = "[L4.auth.1] this credential is not valid here: present another";
    Status::new(Code::Unauthenticated, text)
}

impl std::fmt::Debug for AllowList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AllowList")
            .field("tokens", &self.tokens.len())
            .field("keys", &self.keys.len())
            .field("names", &self.names.len())
            .field("fingerprints", &self.fingerprints.len())
            .field("seal_keys", &self.seal_keys.len())
            .finish_non_exhaustive()
    }
}

//! What a client presents.

use crate::engine::session::auth::Credential;
use crate::engine::session::challenge::IdentityKey;

/// A credential. Never printed: `Debug` shows the scheme only.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    credential: Credential,
}

impl Auth {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { credential: Credential::None }
    }

    /// A bearer token.
    #[must_use]
    pub fn bearer(token: impl Into<String>) -> Self {
        Self { credential: Credential::Bearer(token.into()) }
    }

    /// A user name and password.
    #[must_use]
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        let (user, password) = (user.into(), password.into());
        Self { credential: Credential::Basic { user, password } }
    }

    /// An API key.
    #[must_use]
    pub fn api_key(key: impl Into<String>) -> Self {
        Self { credential: Credential::ApiKey(key.into()) }
    }

    /// An Ed25519 key: it signs the handshake, and never leaves this process.
    #[must_use]
    pub fn key(key: IdentityKey) -> Self {
        Self { credential: Credential::Key(key) }
    }

    /// The certificate that this side shows in the handshake of `tls`, `wss` or `quic`
    /// ([`TlsClient::identity`](crate::transport::TlsClient)).
    #[must_use]
    pub fn certificate() -> Self {
        Self { credential: Credential::Certificate }
    }

    pub(crate) fn credential(&self) -> Credential {
        self.credential.clone()
    }
}

impl Default for Auth {
    fn default() -> Self {
        Self::none()
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Auth({}, redacted)", self.credential.scheme())
    }
}

//! Credentials, identities and rights. What a credential is worth is for an authenticator to say.

use crate::engine::session::challenge::{IdentityKey, PublicKey};
use bytes::Bytes;
use std::time::Duration;

/// What a dialer presents. Never printed: `Debug` shows the scheme only.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// Nothing.
    #[default]
    None,
    /// A bearer token.
    Bearer(String),
    /// A user name and password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// An API key.
    ApiKey(String),
    /// A key of ours, as a dialer: it signs both HELLOs.
    Key(IdentityKey),
    /// The public key of a dialer, as an acceptor. That the dialer holds its secret is proved
    /// before the session is ready, by signing both HELLOs: what is to be decided is whether this
    /// key is welcome.
    PublicKey(PublicKey),
    /// The certificate that the transport's handshake has shown
    /// ([`LinkInfo::security`](crate::transport::LinkInfo::security)).
    Certificate,
    /// A scheme that this version does not know.
    Other {
        /// Its name.
        scheme: String,
        /// Its data.
        data: Bytes,
    },
}

impl Credential {
    /// The scheme's name on the wire.
    #[must_use]
    pub fn scheme(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Bearer(_) => "bearer",
            Self::Basic { .. } => "basic",
            Self::ApiKey(_) => "api_key",
            Self::Key(_) | Self::PublicKey(_) => "challenge",
            Self::Certificate => "mtls",
            Self::Other { scheme, .. } => scheme,
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({}, redacted)", self.scheme())
    }
}

/// Who a peer is, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// What it may do.
    pub rights: Rights,
    /// How long that holds, from when it is accepted: then all that the peer has opened ends with
    /// `unauthenticated`, unless it has authenticated again. `None`: for the session.
    pub valid_for: Option<Duration>,
}

impl Identity {
    /// Nobody in particular, who may do everything.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::new("", Rights::all())
    }

    /// A named identity.
    #[must_use]
    pub fn new(name: impl Into<String>, rights: Rights) -> Self {
        Self { name: name.into(), rights, valid_for: None }
    }

    /// Sets [`Self::valid_for`].
    #[must_use]
    pub fn valid_for(mut self, time: Duration) -> Self {
        self.valid_for = Some(time);
        self
    }
}

#[cfg(feature = "tokio")]
impl Identity {
    /// The same one with the same rights; a credential that was renewed lasts longer, and is no
    /// other identity for that. One whose credential has ended has no rights until it is renewed.
    pub(crate) fn is_the_same_as(&self, other: &Self) -> bool {
        let has_ended = self.rights == Rights::none();
        self.name == other.name && (has_ended || self.rights == other.rights)
    }
}

/// Patterns (`*` one segment, `>` the rest) over the targets of each action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    call: Patterns,
    serve: Patterns,
    publish: Patterns,
    subscribe: Patterns,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Patterns {
    all: bool,
    list: Vec<String>,
}

impl Patterns {
    fn allow(&self, target: &str) -> bool {
        self.all || self.list.iter().any(|pattern| pattern_matches(pattern, target))
    }

    fn add(&mut self, pattern: &str) {
        self.all |= pattern == ">";
        self.list.push(pattern.to_owned());
    }
}

impl Rights {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::none().call(">").serve(">").publish(">").subscribe(">")
    }

    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// May call targets that match.
    #[must_use]
    pub fn call(mut self, pattern: &str) -> Self {
        self.call.add(pattern);
        self
    }

    /// May be called at targets that match.
    #[must_use]
    pub fn serve(mut self, pattern: &str) -> Self {
        self.serve.add(pattern);
        self
    }

    /// May publish to topics that match.
    #[must_use]
    pub fn publish(mut self, pattern: &str) -> Self {
        self.publish.add(pattern);
        self
    }

    /// May receive events of topics that match.
    #[must_use]
    pub fn subscribe(mut self, pattern: &str) -> Self {
        self.subscribe.add(pattern);
        self
    }

    /// Checks a call.
    #[must_use]
    pub fn may_call(&self, target: &str) -> bool {
        self.call.allow(target)
    }

    /// Checks serving.
    #[must_use]
    pub fn may_serve(&self, target: &str) -> bool {
        self.serve.allow(target)
    }

    /// Checks a publication.
    #[must_use]
    pub fn may_publish(&self, topic: &str) -> bool {
        self.publish.allow(topic)
    }

    /// Checks a delivery, or a subscription's pattern: every topic that `pattern` matches must be
    /// allowed by one of the rights.
    #[must_use]
    pub fn may_subscribe(&self, pattern: &str) -> bool {
        self.subscribe.allow(pattern)
    }
}

/// Whether `pattern` covers `target`. A wildcard in `target` is covered only by a wildcard that is
/// at least as wide, so the same test serves topics and patterns.
#[must_use]
pub fn pattern_matches(pattern: &str, target: &str) -> bool {
    let mut wanted = pattern.split('.');
    let mut have = target.split('.');
    loop {
        match (wanted.next(), have.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(segment)) if segment != ">" => {}
            (Some(want), Some(segment)) if want == segment => {}
            _ => return false,
        }
    }
}

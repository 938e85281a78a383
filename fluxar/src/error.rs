//! The one public outcome type, [`Status`], and who is to blame for it.

pub mod code;

use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

pub use code::Code;

/// Who decided that something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// This side, before or without asking the peer.
    Local,
    /// The peer answered so.
    Peer,
    /// The link was lost.
    Link,
}

/// What became of a remote operation that did not succeed.
///
/// `details` holds the CBOR of a typed application error when `type_name` is set
/// (see [`crate::service::AppError`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Shared: one reason may end a thousand items.
    inner: Arc<Inner>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    code: Code,
    message: String,
    type_name: Option<String>,
    details: Option<Bytes>,
    retry_after: Option<Duration>,
    origin: Origin,
}

impl Status {
    /// A status decided on this side. The message says what went wrong and what to do next.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        let inner = Inner {
            code,
            message,
            type_name: None,
            details: None,
            retry_after: None,
            origin: Origin::Local,
        };
        Self { inner: Arc::new(inner) }
    }

    fn inner_mut(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.inner)
    }

    /// The same status with another origin.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.inner_mut().origin = origin;
        self
    }

    /// Attaches a typed application error: its type's name and its CBOR.
    #[must_use]
    pub fn with_details(mut self, type_name: impl Into<String>, details: Bytes) -> Self {
        let inner = self.inner_mut();
        inner.type_name = Some(type_name.into());
        inner.details = Some(details);
        self
    }

    /// Says when a retry makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.inner_mut().retry_after = Some(after);
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.inner.code
    }

    /// What went wrong, for a person.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The name of the application error's type, if there is one.
    #[must_use]
    pub fn type_name(&self) -> Option<&str> {
        self.inner.type_name.as_deref()
    }

    /// The CBOR of the application error, if there is one.
    #[must_use]
    pub fn details(&self) -> Option<&Bytes> {
        self.inner.details.as_ref()
    }

    /// When a retry makes sense, if the callee said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Who decided.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.inner.origin
    }

    /// True when the operation never reached the callee, so that sending it again is safe.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.inner.code == Code::Unavailable
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.inner.code, self.inner.message)
    }
}

impl std::error::Error for Status {}

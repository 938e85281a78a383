//! Stands in for `tls` in a build without it: settings that nobody can make.

/// How to dial over TLS. This build has none: enable the feature `tls`.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is none")]
pub enum TlsClient {}

/// How to listen with TLS. This build has none: enable the feature `tls`.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is none")]
pub enum TlsServer {}

impl TlsServer {
    pub(crate) fn asks_for_certificates(&self) -> bool {
        match *self {}
    }
}

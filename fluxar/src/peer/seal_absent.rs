//! A build without feature `seal`: nothing is sealed, and an address with a fingerprint is none.

use crate::engine::wire::seal::SealConfig;

/// Never made.
#[derive(Clone, Debug)]
pub(crate) enum Seal {}

/// No seal.
#[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
pub(crate) fn settle(_: Option<Seal>, _: &mut [String]) -> Result<Option<SealConfig>, String> {
    Ok(None)
}

/// No seal.
#[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
pub(crate) fn settle_acceptor(_: Option<Seal>) -> Result<Option<SealConfig>, String> {
    Ok(None)
}

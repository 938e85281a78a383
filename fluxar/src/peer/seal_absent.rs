//! A build without feature `seal`: nothing is sealed, and an address with a fingerprint is none.

use crate::engine::wire::seal::SealConfig;

/// Never made.
#[derive(Clone, Debug)]
pub(crate) enum Seal {}

/// The address, and no seal.
#[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
pub(crate) fn settle<'a>(
    _: Option<Seal>,
    address: &'a str,
) -> Result<(&'a str, Option<SealConfig>), String> {
    Ok((address, None))
}

//! A codec that this build does not have: nothing is ever negotiated for it.

use super::DecompressError;

pub(super) const AVAILABLE: bool = false;

#[derive(Debug, Default)]
pub(super) struct Contexts;

impl Contexts {
    #[expect(clippy::unused_self, reason = "stands in for a codec")]
    pub(super) fn compress(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    #[expect(clippy::unused_self, reason = "stands in for a codec")]
    pub(super) fn decompress(&self, _: &[u8], _: usize) -> Result<Vec<u8>, DecompressError> {
        Err(DecompressError::Broken)
    }
}

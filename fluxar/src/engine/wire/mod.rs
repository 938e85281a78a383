//! L2: values to bytes and back. Encode, compress, fragment, seal, in this order on sending.

pub(crate) mod cbor;
pub mod compress;
#[cfg(feature = "seal")]
pub mod seal;
#[cfg(not(feature = "seal"))]
#[path = "seal_absent.rs"]
pub mod seal;

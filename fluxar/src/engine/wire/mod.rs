//! L2: values to bytes and back. Encode, compress, seal, fragment, in this order on sending;
//! compression and sealing are reserved (`docs/spec/exceptions.md`).

pub(crate) mod cbor;

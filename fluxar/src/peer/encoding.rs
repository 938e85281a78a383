//! Payloads on their way in and out of the peer.

use crate::error::{Code, Status};
use crate::payload::{Mode, NULL, decode, encode_into};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;

/// Scratch space that a thread keeps between two encodings, at most.
const SCRATCH_BYTES_MAX: usize = 64 << 10;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// As [`decode`], for something the peer answered: there is nothing that the caller could fix.
pub(crate) fn decode_answer<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Status> {
    decode(bytes).map_err(|status| {
        let message = format!("the peer's answer is of another type: {}", status.message());
        Status::new(Code::Internal, message)
    })
}

/// Encodes into the thread's scratch space and lends the bytes to `use_it`.
pub(crate) fn with_encoded<T: Serialize + ?Sized, R>(
    value: &T,
    mode: Mode,
    use_it: impl FnOnce(&[u8]) -> R,
) -> Result<R, Status> {
    // Taken out of the cell, so that a `Serialize` which encodes in turn finds an empty one.
    let mut scratch = SCRATCH.take();
    scratch.clear();
    let outcome = encode_into(&mut scratch, value, mode).map(|()| use_it(&scratch));
    if scratch.capacity() <= SCRATCH_BYTES_MAX {
        SCRATCH.set(scratch);
    }
    outcome
}

/// The payload of a request: null is sent as absence.
pub(crate) fn present(bytes: &[u8]) -> Option<&[u8]> {
    (bytes != NULL).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::encode;
    use serde::Serializer;
    use serde::ser::Error;

    struct Nested;

    impl Serialize for Nested {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let inner =
                with_encoded("inner", Mode::PLAIN, <[u8]>::to_vec).map_err(S::Error::custom)?;
            serializer.serialize_bytes(&inner)
        }
    }

    #[test]
    fn scratch_space_gives_the_same_bytes_and_may_nest() {
        assert_eq!(with_encoded("inner", Mode::PLAIN, <[u8]>::to_vec), encode("inner"));
        let outer = with_encoded(&Nested, Mode::PLAIN, <[u8]>::to_vec).unwrap();
        assert_eq!(outer[1..], encode("inner").unwrap());
    }

    #[test]
    fn null_is_sent_as_nothing() {
        assert_eq!(present(&encode(&()).unwrap()), None);
        assert_eq!(present(&[0]), Some(&[0][..]));
    }
}

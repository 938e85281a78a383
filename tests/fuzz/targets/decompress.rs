//! Decompression: bounded whatever comes, and what comes out goes in again.
#![no_main]

use fluxar::engine::wire::compress::{Codec, Contexts};
use libfuzzer_sys::fuzz_target;

const MESSAGE_BYTES_MAX: usize = 1 << 18;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, packed)) = bytes.split_first() else { return };
    let codec = Codec::ALL[usize::from(first % 2)];
    let mut contexts = Contexts::default();
    let out = contexts.decompress(codec, packed, MESSAGE_BYTES_MAX);
    // A failure leaves nothing behind: the same again says the same.
    assert_eq!(out, contexts.decompress(codec, packed, MESSAGE_BYTES_MAX));
    let Ok(plain) = out else { return };
    assert!(plain.len() <= MESSAGE_BYTES_MAX.min((packed.len() * 100).max(4_096)));
    if let Some(again) = contexts.compress(codec, &plain) {
        assert!(again.len() < plain.len());
        assert_eq!(contexts.decompress(codec, &again, MESSAGE_BYTES_MAX), Ok(plain));
    }
});

//! What goes in comes out, and nothing else does.

use super::{Codec, Contexts, DecompressError, output_max};
use proptest::prelude::*;

/// Text-like bytes, which get smaller.
fn words(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b"etaoin shrdlu"[(state >> 60) as usize % 13]
        })
        .collect()
}

proptest! {
    #[test]
    fn a_message_comes_back_as_it_was(len in 1_usize..200_000, seed in any::<u64>()) {
        let (mut there, mut back) = (Contexts::default(), Contexts::default());
        let plain = words(len, seed);
        for codec in Codec::ALL {
            // Contexts are kept: what came before must not matter.
            for _ in 0..2 {
                if let Some(packed) = there.compress(codec, &plain) {
                    prop_assert!(packed.len() < plain.len());
                    let again = back.decompress(codec, &packed, 1 << 20);
                    prop_assert_eq!(again.as_deref(), Ok(&plain[..]));
                }
            }
        }
    }

    #[test]
    fn what_is_changed_is_refused_or_is_a_message_within_bounds(
        at in any::<prop::sample::Index>(),
        bit in 0..8,
        cut in any::<prop::sample::Index>(),
    ) {
        let mut contexts = Contexts::default();
        let plain = words(5_000, 3);
        for codec in Codec::ALL {
            let mut packed = contexts.compress(codec, &plain).expect("smaller");
            let whole = packed.len();
            let short = &packed[..cut.index(whole)];
            prop_assert_eq!(contexts.decompress(codec, short, 1 << 20), Err(DecompressError::Broken));
            packed[at.index(whole)] ^= 1_u8 << bit;
            if let Ok(out) = contexts.decompress(codec, &packed, 1 << 20) {
                prop_assert!(out.len() <= output_max(whole, 1 << 20));
            }
            packed[at.index(whole)] ^= 1_u8 << bit;
            let after = contexts.decompress(codec, &packed, 1 << 20);
            prop_assert_eq!(after.as_deref(), Ok(&plain[..]), "a failure left something behind");
        }
    }
}

#[test]
fn nothing_may_follow_and_nothing_may_be_two() {
    let mut contexts = Contexts::default();
    for codec in Codec::ALL {
        let packed = contexts.compress(codec, &words(5_000, 1)).expect("smaller");
        for tail in [&[0_u8][..], &packed] {
            let long = [&packed[..], tail].concat();
            let out = contexts.decompress(codec, &long, 1 << 20);
            assert_eq!(out, Err(DecompressError::Broken), "{codec:?}");
        }
        assert_eq!(contexts.decompress(codec, &[], 1 << 20), Err(DecompressError::Broken));
    }
}

#[test]
fn the_limit_is_kept_to_the_byte() {
    let mut contexts = Contexts::default();
    let plain = words(50_000, 1);
    for codec in Codec::ALL {
        let packed = contexts.compress(codec, &plain).expect("smaller");
        assert_eq!(contexts.decompress(codec, &packed, 50_000).as_deref(), Ok(&plain[..]));
        let above = contexts.decompress(codec, &packed, 49_999);
        assert_eq!(above, Err(DecompressError::TooLarge));
    }
}

#[test]
fn noise_and_what_shrinks_too_well_are_sent_as_they_are() {
    let mut contexts = Contexts::default();
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (state >> 56) as u8
    })
    .take(10_000)
    .collect();
    for codec in Codec::ALL {
        assert_eq!(contexts.compress(codec, &noise), None, "{codec:?}");
        assert_eq!(contexts.compress(codec, &vec![0; 1 << 20]), None, "{codec:?}");
        assert!(contexts.compress(codec, &[0; 4096]).is_some(), "{codec:?}");
    }
}

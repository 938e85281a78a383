//! Row 5: a little that becomes a lot. What it costs is bounded by the input and by the limit of a
//! message, whatever the input says of itself.

use crate::memory::{KIB, MIB, Watch, alone};
use flate2::{Compress, Compression, FlushCompress};
use fluxar::engine::wire::compress::{Codec, Contexts, DecompressError};

const MESSAGE_BYTES_MAX: usize = 16 * MIB;
/// What the codecs hold themselves: zstd's window and tables, and inflate's.
const WORKING_BYTES: usize = 2 * MIB;

/// A zstd frame by hand. `descriptor` and what follows say how large it is; blocks are runs of
/// 128 KiB of zeros.
fn zstd_zeros(descriptor: u8, sizes: &[u8], blocks: usize) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, descriptor];
    frame.extend_from_slice(sizes);
    for block in 0..blocks {
        let last = u32::from(block + 1 == blocks);
        let head = (128 << 10) << 3 | 1 << 1 | last;
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

/// A window of 1 MiB, and no size of the content.
fn zstd_bomb(blocks: usize) -> Vec<u8> {
    zstd_zeros(0, &[10 << 3], blocks)
}

/// A gzip member of so many MiB of zeros.
fn gzip_bomb(mebibytes: usize) -> Vec<u8> {
    let mut deflate = Compress::new(Compression::best(), false);
    let mut chunk = Vec::with_capacity(64 * KIB);
    deflate.compress_vec(&vec![0; MIB], &mut chunk, FlushCompress::Sync).expect("room");
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    (0..mebibytes).for_each(|_| member.extend_from_slice(&chunk));
    // An empty last block, and a trailer that nobody will come to.
    member.extend_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    member
}

fn costs(watch: &mut Watch, codec: Codec, bomb: &[u8]) -> (Result<usize, DecompressError>, usize) {
    watch.restart();
    let mut contexts = Contexts::default();
    let outcome = contexts.decompress(codec, bomb, MESSAGE_BYTES_MAX);
    let peak = watch.peak();
    contexts.forget();
    (outcome.map(|out| out.len()), peak)
}

#[test]
fn row_5_a_gibibyte_of_zeros_costs_what_a_hundred_times_its_bytes_do() {
    let mut watch = alone();
    for (codec, bomb) in [(Codec::Zstd, zstd_bomb(8 << 10)), (Codec::Gzip, gzip_bomb(1 << 10))] {
        assert!(bomb.len() < 2 * MIB, "{codec:?}: {}", bomb.len());
        let (outcome, peak) = costs(&mut watch, codec, &bomb);
        assert_eq!(outcome, Err(DecompressError::TooLarge), "{codec:?}");
        let allowed = MESSAGE_BYTES_MAX.min(bomb.len() * 100);
        // The buffer that grows is there twice for a moment.
        assert!(peak <= 2 * allowed + WORKING_BYTES, "{codec:?}: {peak} bytes for {allowed}");
    }
}

#[test]
fn row_5_small_bombs_cost_little() {
    let mut watch = alone();
    for (codec, bomb) in [(Codec::Zstd, zstd_bomb(8)), (Codec::Gzip, gzip_bomb(1))] {
        assert!(bomb.len() < 2 * KIB);
        let (outcome, peak) = costs(&mut watch, codec, &bomb);
        assert_eq!(outcome, Err(DecompressError::TooLarge), "{codec:?}");
        assert!(peak <= 400 * KIB + WORKING_BYTES, "{codec:?}: {peak}");
    }
}

/// A bomb in a bomb opens once, and is then a message that is none.
#[test]
fn row_5_nothing_is_decompressed_twice() {
    let mut watch = alone();
    for codec in Codec::ALL {
        let inner = zstd_bomb(8 << 10);
        let mut contexts = Contexts::default();
        let Some(outer) = contexts.compress(codec, &inner) else { continue };
        let (outcome, peak) = costs(&mut watch, codec, &outer);
        assert_eq!(outcome, Ok(inner.len()), "{codec:?}");
        assert!(peak <= 2 * inner.len() + WORKING_BYTES, "{codec:?}: {peak}");
    }
}

#[test]
fn row_5_sizes_that_lie_reserve_nothing() {
    let mut watch = alone();
    let huge = 1_u64 << 40;
    let lies = [
        // Eight bytes of content size, one segment: as large a window.
        zstd_zeros(0b1110_0000, &huge.to_le_bytes(), 1),
        // The same with a window of its own.
        zstd_zeros(0b1100_0000, &[&[10 << 3][..], &huge.to_le_bytes()].concat(), 1),
        // Less than what comes.
        zstd_zeros(0b1100_0000, &[&[10 << 3][..], &10_u64.to_le_bytes()].concat(), 1),
        // A window of 2 GiB, and of 2 MiB.
        zstd_zeros(0, &[21 << 3], 1),
        zstd_zeros(0, &[11 << 3], 1),
    ];
    for (number, lie) in lies.iter().enumerate() {
        let (outcome, peak) = costs(&mut watch, Codec::Zstd, lie);
        assert!(outcome.is_err(), "{number}: {outcome:?}");
        assert!(peak <= WORKING_BYTES, "{number}: {peak}");
    }
}

/// Many small messages, none too large for itself: nothing of them stays.
#[test]
fn row_5_contexts_do_not_grow() {
    let mut watch = alone();
    let mut contexts = Contexts::default();
    let text: String = (0..2_000_u32).map(|n| format!("{n} ")).collect();
    watch.restart();
    for codec in Codec::ALL {
        let packed = contexts.compress(codec, text.as_bytes()).expect("smaller");
        for _ in 0..200 {
            let out = contexts.decompress(codec, &packed, MESSAGE_BYTES_MAX).expect("whole");
            assert_eq!(out, text.as_bytes());
        }
    }
    assert!(watch.held() <= WORKING_BYTES, "{}", watch.held());
    contexts.forget();
    assert!(watch.held() <= 64 * KIB, "{}", watch.held());
}

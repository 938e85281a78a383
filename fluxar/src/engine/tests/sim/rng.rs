//! A random number generator of our own: a seed means the same run for ever, on every machine.

/// splitmix64.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 up to `bound`, which is not reached.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// From `low` to `high`, both included.
    pub(super) fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.below(from.len() as u64) as usize]) }
    }

    /// A payload's length: mostly small, now and then more than goes out at once.
    pub(super) fn size(&mut self) -> usize {
        let bound = match self.below(100) {
            0..5 => 1,
            5..60 => 64,
            60..88 => 2_000,
            88..96 => 17_000,
            96..99 => 65_537,
            _ => 190_000,
        };
        self.below(bound) as usize
    }
}

/// Content that tells two payloads apart, and two places of one payload. One in three has little in
/// each byte, so that it can be compressed.
pub(super) fn fill(tag: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len.next_multiple_of(8)];
    let kept = if tag.is_multiple_of(3) { 0x0f0f_0f0f_0f0f_0f0f } else { u64::MAX };
    let mut word = tag.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for chunk in bytes.chunks_exact_mut(8) {
        chunk.copy_from_slice(&(word & kept).to_le_bytes());
        word = word.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1);
    }
    bytes.truncate(len);
    bytes
}

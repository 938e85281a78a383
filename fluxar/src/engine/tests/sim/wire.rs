//! What some runs do with their messages and frames: compress them, seal them, both.

use super::rng::Rng;
use crate::engine::wire::compress::Codec;
use crate::engine::{Compression, WireConfig};

/// The same for both sides, but for their keys.
pub(super) fn wires(rng: &mut Rng) -> [WireConfig; 2] {
    let codecs: Vec<Codec> = Codec::ALL.into_iter().filter(|codec| codec.is_available()).collect();
    let mut wires = [WireConfig::default(), WireConfig::default()];
    if !codecs.is_empty() && rng.chance(40) {
        let threshold_bytes = rng.range(64, 3_000) as u32;
        let under_seal = rng.chance(50);
        for wire in &mut wires {
            let codecs = codecs.clone();
            wire.compression = Compression { codecs, threshold_bytes, under_seal };
        }
    }
    seal(rng, &mut wires);
    wires
}

#[cfg(feature = "seal")]
fn seal(rng: &mut Rng, wires: &mut [WireConfig; 2]) {
    use crate::engine::wire::seal::{Psk, SealConfig, SealKey, Suite};
    if !rng.chance(25) {
        return;
    }
    let suite = Suite::ALL[rng.below(12) as usize];
    let keys = [SealKey::from_bytes(&[1; 32]), SealKey::from_bytes(&[2; 32])];
    let pinned = keys[1].public();
    for (side, (wire, key)) in wires.iter_mut().zip(keys).enumerate() {
        wire.seal = Some(SealConfig {
            suite,
            key: (side == 1 || suite.pattern.is_mutual()).then_some(key),
            pinned: (side == 0).then_some(pinned),
            psk: suite.has_psk.then(|| Psk::from_bytes(&[3; 32])),
            required: true,
        });
    }
}

#[cfg(not(feature = "seal"))]
fn seal(_: &mut Rng, _: &mut [WireConfig; 2]) {}

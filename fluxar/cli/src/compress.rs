//! `--compress`, and the same in files.

use fluxar::{Codec, Compression};
use serde::{Deserialize, Serialize};

/// How messages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compress {
    /// By zstd, if the other side does
    Zstd,
    /// By gzip, if the other side does
    Gzip,
    /// By whichever of the two the other side has
    Any,
    /// Not at all
    Off,
}

impl Compress {
    /// What the library is told.
    pub(crate) fn compression(self) -> Compression {
        match self {
            Self::Zstd => Compression::only(Codec::Zstd),
            Self::Gzip => Compression::only(Codec::Gzip),
            Self::Any => Compression::any(),
            Self::Off => Compression::default(),
        }
    }
}

//! gzip, one member a message, with the shortest header there is.
//!
//! ```text
//! 1f 8b 08 00 00000000 00 ff │ deflate │ crc32: u32 LE │ length: u32 LE
//! ```

use super::{DecompressError, grow, start};
use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

pub(super) const AVAILABLE: bool = true;

/// Deflate, no flags, no time, no hint, an unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// Bytes of the header that must be as above: time, hint and system may be what they like.
const FIXED_BYTES: usize = 4;
const TRAILER_BYTES: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Contexts {
    compress: Option<Compress>,
    decompress: Option<Decompress>,
}

impl Contexts {
    pub(super) fn compress(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        let context =
            self.compress.get_or_insert_with(|| Compress::new(Compression::fast(), false));
        context.reset();
        // What does not fit has not become smaller.
        let mut packed = Vec::with_capacity(plain.len());
        packed.extend_from_slice(&HEADER);
        match context.compress_vec(plain, &mut packed, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => {}
            _ => return None,
        }
        packed.extend_from_slice(&trailer(plain));
        Some(packed)
    }

    pub(super) fn decompress(
        &mut self,
        packed: &[u8],
        max: usize,
    ) -> Result<Vec<u8>, DecompressError> {
        let (header, rest) = packed.split_first_chunk().ok_or(DecompressError::Broken)?;
        let (deflated, end) =
            rest.split_last_chunk::<TRAILER_BYTES>().ok_or(DecompressError::Broken)?;
        let _: &[u8; HEADER.len()] = header;
        if header[..FIXED_BYTES] != HEADER[..FIXED_BYTES] {
            return Err(DecompressError::Broken);
        }
        let context = self.decompress.get_or_insert_with(|| Decompress::new(false));
        context.reset(false);
        let mut out = start(packed.len(), max);
        loop {
            grow(&mut out, max)?;
            let (before, read_before) = (out.len(), context.total_in() as usize);
            let rest = &deflated[read_before..];
            match context.decompress_vec(rest, &mut out, FlushDecompress::None) {
                Ok(Status::StreamEnd) => break,
                Ok(_) => {}
                Err(_) => return Err(DecompressError::Broken),
            }
            let is_stuck = out.len() == before && context.total_in() as usize == read_before;
            if is_stuck && out.len() < out.capacity() {
                return Err(DecompressError::Broken);
            }
        }
        if out.len() > max {
            return Err(DecompressError::TooLarge);
        }
        let is_whole = context.total_in() as usize == deflated.len();
        if is_whole && trailer(&out) == *end { Ok(out) } else { Err(DecompressError::Broken) }
    }
}

fn trailer(plain: &[u8]) -> [u8; TRAILER_BYTES] {
    let mut crc = Crc::new();
    crc.update(plain);
    let mut trailer = [0; TRAILER_BYTES];
    trailer[..4].copy_from_slice(&crc.sum().to_le_bytes());
    trailer[4..].copy_from_slice(&crc.amount().to_le_bytes());
    trailer
}

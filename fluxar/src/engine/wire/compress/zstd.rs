//! Zstandard, one frame a message.

use super::{DecompressError, grow, start};
use zstd::zstd_safe::{CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

pub(super) const AVAILABLE: bool = true;

/// Fast enough to keep up with a link.
const LEVEL: i32 = 1;
/// 1 MiB: what a sender uses, and the most that a receiver reserves.
const WINDOW_LOG: u32 = 20;

#[derive(Default)]
pub(super) struct Contexts {
    compress: Option<CCtx<'static>>,
    decompress: Option<DCtx<'static>>,
}

impl std::fmt::Debug for Contexts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("zstd::Contexts")
    }
}

impl Contexts {
    pub(super) fn compress(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        if self.compress.is_none() {
            let mut context = CCtx::try_create()?;
            context.set_parameter(CParameter::CompressionLevel(LEVEL)).ok()?;
            context.set_parameter(CParameter::WindowLog(WINDOW_LOG)).ok()?;
            self.compress = Some(context);
        }
        let context = self.compress.as_mut()?;
        // What does not fit has not become smaller.
        let mut packed = Vec::with_capacity(plain.len());
        context.compress2(&mut packed, plain).ok()?;
        Some(packed)
    }

    pub(super) fn decompress(
        &mut self,
        packed: &[u8],
        max: usize,
    ) -> Result<Vec<u8>, DecompressError> {
        if self.decompress.is_none() {
            let mut context = DCtx::try_create().ok_or(DecompressError::TooLarge)?;
            let window = DParameter::WindowLogMax(WINDOW_LOG);
            context.set_parameter(window).map_err(|_| DecompressError::Broken)?;
            self.decompress = Some(context);
        }
        let context = self.decompress.as_mut().ok_or(DecompressError::Broken)?;
        let done = stream(context, packed, max);
        if done.is_err() {
            // Whatever state it is in now.
            context.reset(ResetDirective::SessionOnly).map_err(|_| DecompressError::Broken)?;
        }
        done
    }
}

fn stream(context: &mut DCtx<'_>, packed: &[u8], max: usize) -> Result<Vec<u8>, DecompressError> {
    let mut out = start(packed.len(), max);
    let mut input = InBuffer::around(packed);
    loop {
        grow(&mut out, max)?;
        let (before, read_before) = (out.len(), input.pos());
        let mut output = OutBuffer::around_pos(&mut out, before);
        let left = context
            .decompress_stream(&mut output, &mut input)
            .map_err(|_| DecompressError::Broken)?;
        if left == 0 {
            let is_whole = input.pos() == packed.len();
            return match (is_whole, out.len() > max) {
                (_, true) => Err(DecompressError::TooLarge),
                (true, false) => Ok(out),
                (false, false) => Err(DecompressError::Broken),
            };
        }
        let is_stuck = out.len() == before && input.pos() == read_before;
        if is_stuck && out.len() < out.capacity() {
            return Err(DecompressError::Broken);
        }
    }
}

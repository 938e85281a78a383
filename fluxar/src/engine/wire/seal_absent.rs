//! A build without feature `seal`: the same names, and no way to make any of them. Nothing is ever
//! negotiated, and whoever requires a seal is refused.

use crate::engine::violation::Violation;
use bytes::BytesMut;

/// Whether this build seals.
pub const AVAILABLE: bool = false;

pub(crate) const OVERHEAD_BYTES: usize = 0;
pub(crate) const RECORD_LEN_MAX: usize = u32::MAX as usize;

/// Never given: nothing is sealed here that could fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealError;

impl From<SealError> for Violation {
    fn from(_: SealError) -> Self {
        Self::SealBroken
    }
}

/// There is none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SealConfig {}

impl SealConfig {
    pub(crate) fn number(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn offer_len(&self) -> usize {
        match *self {}
    }

    pub(crate) fn is_required(&self) -> bool {
        match *self {}
    }
}

/// There is none.
#[derive(Debug)]
pub(crate) enum Seal {}

impl Seal {
    pub(crate) fn dial(
        config: &SealConfig,
        _: Option<[u8; 32]>,
        _: u64,
        _: &[u8],
    ) -> Result<(Self, Vec<u8>), SealError> {
        match *config {}
    }

    pub(crate) fn accept(
        config: &SealConfig,
        _: Option<[u8; 32]>,
        _: u64,
        _: (u64, &[u8]),
        _: &[u8],
    ) -> Result<Self, SealError> {
        match *config {}
    }

    pub(crate) fn answer_len(&self) -> usize {
        match *self {}
    }

    pub(crate) fn number(&self) -> u64 {
        match *self {}
    }

    pub(crate) fn answer(&self, _: u64, _: &[u8]) -> Result<Vec<u8>, SealError> {
        match *self {}
    }

    pub(crate) fn take_answer(&self, _: u64, _: &[u8], _: &[u8]) -> Result<(), SealError> {
        match *self {}
    }

    pub(crate) fn confirm(&self, _: &[u8]) -> Result<Vec<u8>, SealError> {
        match *self {}
    }

    pub(crate) fn take_confirm(&self, _: &[u8]) -> Result<Vec<u8>, SealError> {
        match *self {}
    }

    pub(crate) fn shape(&self, _: usize, _: bool) {
        match *self {}
    }

    pub(crate) fn seal_frames(&self, _: &[u8], _: &mut Vec<u8>) -> Result<(), SealError> {
        match *self {}
    }

    pub(crate) fn open_record(&self, _: &mut BytesMut) -> Result<bool, SealError> {
        match *self {}
    }

    pub(crate) fn is_in_force(&self) -> bool {
        match *self {}
    }

    pub(crate) fn remote(&self) -> Option<[u8; 32]> {
        match *self {}
    }

    pub(crate) fn hash(&self) -> Option<[u8; 32]> {
        match *self {}
    }

    pub(crate) fn export(&self, _: &[u8]) -> Option<[u8; 32]> {
        match *self {}
    }
}

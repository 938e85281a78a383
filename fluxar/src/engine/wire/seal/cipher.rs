//! `CipherState`: a key and the number of the next message.

use super::SealError;
use super::primitives::{Aead, Cipher, KEY_BYTES, TAG_BYTES};

/// Noise's `CipherState` with a key. The number never repeats for a key: it only rises, and the
/// last one is an error.
#[derive(Debug)]
pub struct CipherState {
    aead: Aead,
    n: u64,
}

impl CipherState {
    /// `InitializeKey`.
    #[must_use]
    pub fn new(cipher: Cipher, key: &[u8; KEY_BYTES]) -> Self {
        Self { aead: Aead::new(cipher, key), n: 0 }
    }

    /// The number of the next message.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.n
    }

    /// `EncryptWithAd`: what is behind `from` in `out` becomes ciphertext, and a tag follows.
    ///
    /// # Errors
    /// `Exhausted` after 2^64 - 1 messages.
    pub fn encrypt(&mut self, ad: &[u8], out: &mut Vec<u8>, from: usize) -> Result<(), SealError> {
        let n = self.next()?;
        let tag = self.aead.encrypt(n, ad, &mut out[from..]);
        out.extend_from_slice(&tag);
        self.n = n + 1;
        Ok(())
    }

    /// `DecryptWithAd`, in place; gives the length of the plaintext at the front of `text`. After a
    /// failure everything is as before.
    ///
    /// # Errors
    /// `Forged` when the tag is not of this text, key and number; `Short` when there is none.
    pub fn decrypt(&mut self, ad: &[u8], text: &mut [u8]) -> Result<usize, SealError> {
        let n = self.next()?;
        let (text, tag) = text.split_last_chunk_mut::<TAG_BYTES>().ok_or(SealError::Short)?;
        self.aead.decrypt(n, ad, text, tag)?;
        self.n = n + 1;
        Ok(text.len())
    }

    /// `Rekey`: the number goes on.
    pub fn rekey(&mut self) {
        self.aead = self.aead.rekeyed();
    }

    fn next(&self) -> Result<u64, SealError> {
        if self.n == u64::MAX { Err(SealError::Exhausted) } else { Ok(self.n) }
    }
}

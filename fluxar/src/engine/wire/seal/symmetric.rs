//! `SymmetricState`: the chaining key, the hash of everything so far, and the key in use.

use super::SealError;
use super::cipher::CipherState;
use super::primitives::{Cipher, HASH_BYTES, KEY_BYTES, Secret, hash, hkdf, hmac};
use zeroize::Zeroizing;

/// Noise's `SymmetricState`.
pub(crate) struct SymmetricState {
    cipher: Cipher,
    key: Option<CipherState>,
    chaining_key: Secret,
    hash: [u8; HASH_BYTES],
}

impl SymmetricState {
    /// `InitializeSymmetric`.
    pub(crate) fn new(cipher: Cipher, protocol_name: &str) -> Self {
        let name = protocol_name.as_bytes();
        let mut start = [0; HASH_BYTES];
        match start.get_mut(..name.len()) {
            Some(front) => front.copy_from_slice(name),
            None => start = hash(&[name]),
        }
        Self { cipher, key: None, chaining_key: Zeroizing::new(start), hash: start }
    }

    /// `MixHash`.
    pub(crate) fn mix_hash(&mut self, data: &[u8]) {
        self.hash = hash(&[&self.hash, data]);
    }

    /// `MixKey`.
    pub(crate) fn mix_key(&mut self, input: &[u8]) {
        let [chaining_key, key] = hkdf(&self.chaining_key, input);
        self.chaining_key = chaining_key;
        self.key = Some(CipherState::new(self.cipher, &key));
    }

    /// `MixKeyAndHash`.
    pub(crate) fn mix_key_and_hash(&mut self, input: &[u8; KEY_BYTES]) {
        let [chaining_key, to_hash, key] = hkdf(&self.chaining_key, input);
        self.chaining_key = chaining_key;
        self.mix_hash(&to_hash[..]);
        self.key = Some(CipherState::new(self.cipher, &key));
    }

    /// Whether `EncryptAndHash` encrypts by now.
    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// `EncryptAndHash`, appended to `out`.
    pub(crate) fn encrypt_and_hash(
        &mut self,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let from = out.len();
        out.extend_from_slice(plain);
        if let Some(key) = &mut self.key {
            key.encrypt(&self.hash, out, from)?;
        }
        self.mix_hash(&out[from..]);
        Ok(())
    }

    /// `DecryptAndHash`.
    pub(crate) fn decrypt_and_hash(&mut self, text: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut plain = text.to_vec();
        if let Some(key) = &mut self.key {
            let len = key.decrypt(&self.hash, &mut plain)?;
            plain.truncate(len);
        }
        self.mix_hash(text);
        Ok(plain)
    }

    /// `Split`.
    pub(crate) fn split(&self) -> (CipherState, CipherState) {
        let [first, second] = hkdf(&self.chaining_key, &[]);
        (CipherState::new(self.cipher, &first), CipherState::new(self.cipher, &second))
    }

    /// `GetHandshakeHash`.
    pub(crate) fn handshake_hash(&self) -> [u8; HASH_BYTES] {
        self.hash
    }

    /// What other keys of the session come from. It is no output of `Split`: here the chaining key
    /// is the message and the public hash the key.
    pub(crate) fn exporter(&self) -> Secret {
        hmac(&self.hash, &[&self.chaining_key[..]])
    }
}

impl std::fmt::Debug for SymmetricState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SymmetricState({}, redacted)", self.cipher.name())
    }
}

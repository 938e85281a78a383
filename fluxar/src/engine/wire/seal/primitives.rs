//! The functions that Noise is made of: DH, AEAD, hash and HKDF, under Noise's names.

use super::SealError;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a key, secret or public.
pub const KEY_BYTES: usize = 32;
/// Bytes of a hash.
pub(crate) const HASH_BYTES: usize = 32;
/// Bytes that authenticate a ciphertext.
pub const TAG_BYTES: usize = 16;
/// The nonce that only `REKEY` uses.
const REKEY_NONCE: u64 = u64::MAX;

/// Thirty-two bytes that are wiped when dropped.
pub(crate) type Secret = Zeroizing<[u8; KEY_BYTES]>;

/// The public key of a secret one.
pub(crate) fn public_of(secret: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    x25519_dalek::x25519(*secret, x25519_dalek::X25519_BASEPOINT_BYTES)
}

/// `DH`: refuses a public key of low order, without a branch on the bytes of the result.
///
/// # Errors
/// `WeakKey` when nothing of the secret would be left.
pub fn dh(secret: &[u8; KEY_BYTES], public: &[u8; KEY_BYTES]) -> Result<Secret, SealError> {
    let shared = Zeroizing::new(x25519_dalek::x25519(*secret, *public));
    let bits = shared.iter().fold(0_u8, |bits, byte| bits | byte);
    if std::hint::black_box(bits) == 0 { Err(SealError::WeakKey) } else { Ok(shared) }
}

/// `HASH` of the parts in a row.
pub(crate) fn hash(parts: &[&[u8]]) -> [u8; HASH_BYTES] {
    let mut state = Sha256::new();
    parts.iter().for_each(|part| state.update(part));
    state.finalize().into()
}

/// `HMAC-HASH` of the parts in a row.
pub(crate) fn hmac(key: &[u8; HASH_BYTES], parts: &[&[u8]]) -> Secret {
    let mut state =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of every length");
    parts.iter().for_each(|part| state.update(part));
    Zeroizing::new(state.finalize().into_bytes().into())
}

/// `HKDF` with as many outputs as asked for: two or three.
pub(crate) fn hkdf<const N: usize>(chaining_key: &[u8; HASH_BYTES], input: &[u8]) -> [Secret; N] {
    let temp = hmac(chaining_key, &[input]);
    let mut outputs: [Secret; N] = std::array::from_fn(|_| Zeroizing::new([0; HASH_BYTES]));
    for at in 0..N {
        let before: &[u8] = if at == 0 { &[] } else { &outputs[at - 1][..] };
        outputs[at] = hmac(&temp, &[before, &[at as u8 + 1]]);
    }
    outputs
}

/// The AEAD of a session. Numbers and names are the spec's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the two that revision 34 of Noise names")]
pub enum Cipher {
    /// ChaCha20-Poly1305: fast on every machine.
    ChaChaPoly,
    /// AES-256-GCM: faster where the processor has instructions for it.
    AesGcm,
}

impl Cipher {
    /// As in a protocol name of Noise.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChaChaPoly => "ChaChaPoly",
            Self::AesGcm => "AESGCM",
        }
    }
}

/// A cipher with its key. Both crates wipe it when it is dropped.
pub(crate) enum Aead {
    ChaChaPoly(ChaCha20Poly1305),
    AesGcm(Box<Aes256Gcm>),
}

impl Aead {
    pub(crate) fn new(cipher: Cipher, key: &[u8; KEY_BYTES]) -> Self {
        match cipher {
            Cipher::ChaChaPoly => Self::ChaChaPoly(ChaCha20Poly1305::new(key.into())),
            Cipher::AesGcm => Self::AesGcm(Box::new(Aes256Gcm::new(key.into()))),
        }
    }

    fn cipher(&self) -> Cipher {
        match self {
            Self::ChaChaPoly(_) => Cipher::ChaChaPoly,
            Self::AesGcm(_) => Cipher::AesGcm,
        }
    }

    /// Noise's 96 bits of nonce: the byte order is the cipher's.
    fn nonce(&self, n: u64) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&match self {
            Self::ChaChaPoly(_) => n.to_le_bytes(),
            Self::AesGcm(_) => n.to_be_bytes(),
        });
        nonce
    }

    /// `ENCRYPT` in place; gives the tag.
    pub(crate) fn encrypt(&self, n: u64, ad: &[u8], text: &mut [u8]) -> [u8; TAG_BYTES] {
        let nonce = self.nonce(n).into();
        let text = InOutBuf::from(text);
        let tag = match self {
            Self::ChaChaPoly(aead) => aead.encrypt_inout_detached(&nonce, ad, text),
            Self::AesGcm(aead) => aead.encrypt_inout_detached(&nonce, ad, text),
        };
        tag.expect("a Noise message is far below what the ciphers take").into()
    }

    /// `DECRYPT` in place. When the tag is wrong nothing was decrypted: both crates look first.
    pub(crate) fn decrypt(
        &self,
        n: u64,
        ad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), SealError> {
        let nonce = self.nonce(n).into();
        let text = InOutBuf::from(text);
        let done = match self {
            Self::ChaChaPoly(aead) => aead.decrypt_inout_detached(&nonce, ad, text, tag.into()),
            Self::AesGcm(aead) => aead.decrypt_inout_detached(&nonce, ad, text, tag.into()),
        };
        done.map_err(|_| SealError::Forged)
    }

    /// `REKEY`.
    pub(crate) fn rekeyed(&self) -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let mut tag = self.encrypt(REKEY_NONCE, &[], &mut key[..]);
        tag.zeroize();
        Self::new(self.cipher(), &key)
    }
}

impl std::fmt::Debug for Aead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Aead({}, redacted)", self.cipher().name())
    }
}

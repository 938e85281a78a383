//! Suites: a pattern, a cipher and perhaps a pre-shared key, under one number.

use super::pattern::{Pattern, Token};
use super::primitives::{Cipher, KEY_BYTES, TAG_BYTES};

/// What a session is sealed with. In HELLO it is one number:
///
/// | | ChaChaPoly | AESGCM |
/// |---|---|---|
/// | XX, IK, NK | 1, 3, 5 | 2, 4, 6 |
/// | XXpsk3, IKpsk2, NKpsk0 | 7, 9, 11 | 8, 10, 12 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "every combination has its number")]
pub struct Suite {
    /// Who shows which key when.
    pub pattern: Pattern,
    /// The AEAD.
    pub cipher: Cipher,
    /// Whether both sides must know a pre-shared key too.
    pub has_psk: bool,
}

impl Suite {
    /// Every suite in the order of the numbers, which begin at 1.
    pub const ALL: [Self; 12] = {
        let mut all =
            [Self { pattern: Pattern::Xx, cipher: Cipher::ChaChaPoly, has_psk: false }; 12];
        let mut at = 0;
        while at < all.len() {
            all[at].pattern = match at % 6 / 2 {
                0 => Pattern::Xx,
                1 => Pattern::Ik,
                _ => Pattern::Nk,
            };
            all[at].cipher = if at % 2 == 0 { Cipher::ChaChaPoly } else { Cipher::AesGcm };
            all[at].has_psk = at >= 6;
            at += 1;
        }
        all
    };

    /// Its number in HELLO.
    ///
    /// # Panics
    /// Never: every combination is in the table.
    #[must_use]
    pub fn number(self) -> u64 {
        let place = Self::ALL.iter().position(|suite| *suite == self);
        place.expect("every combination is in the table") as u64 + 1
    }

    /// The suite with this number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        Self::ALL.get(place).copied()
    }

    /// Where the pre-shared key stands: as late as its pattern allows, but before the first message
    /// of a dialer without a key.
    pub(crate) const fn psk_place(self) -> Option<u8> {
        match (self.has_psk, self.pattern) {
            (false, _) => None,
            (true, Pattern::Xx) => Some(3),
            (true, Pattern::Ik) => Some(2),
            (true, Pattern::Nk) => Some(0),
        }
    }

    /// Bytes of a message with a payload of so many.
    pub(crate) fn message_len(self, message: usize, payload: usize) -> usize {
        let psk = self.psk_place();
        let (mut has_key, mut len) = (false, 0);
        for at in 0..=message {
            len = 0;
            for token in self.pattern.tokens(at, psk) {
                len += match token {
                    Token::E => KEY_BYTES,
                    Token::S if has_key => KEY_BYTES + TAG_BYTES,
                    Token::S => KEY_BYTES,
                    _ => 0,
                };
                has_key |= token != Token::S && (token != Token::E || psk.is_some());
            }
        }
        len + payload + if has_key { TAG_BYTES } else { 0 }
    }
}

//! Whether links are sealed, with which keys, and where keys come from.

use crate::engine::wire::seal::{
    Cipher, FingerprintError, Psk, SealConfig, SealKey, SealPublicKey, Suite,
};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// How sessions are sealed: encrypted from one peer to the other, beside and below whatever the
/// transport does. Both sides prove their keys, and nothing of this is negotiated away: a dialer
/// that seals takes no session that is not sealed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use fluxar::{Client, Seal, SealKey, Server, Status};
///
/// let key = SealKey::generate()?;
/// let fingerprint = key.public();
/// let server = Server::bind("mem://sealed").seal(Seal::require(key)).build().await?;
/// server.handle("math.double", |n: u64| async move { Ok::<_, Status>(n * 2) });
/// let running = server.clone();
/// tokio::spawn(async move { running.run().await });
///
/// let client = Client::connect("mem://sealed").seal(Seal::pinned(fingerprint)).build().await?;
/// // The same in an address, as `fluxar key show` prints it:
/// let address = format!("mem://sealed#fp={fingerprint}");
/// let other = Client::connect(address).build().await?;
/// assert_eq!(client.seal_key(), Some(fingerprint));
/// assert_eq!(other.call::<_, u64>("math.double", &4_u64).await?, 8);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "hand it to a builder"]
pub struct Seal {
    key: Option<SealKey>,
    pinned: Option<SealPublicKey>,
    psk: Option<Psk>,
    cipher: Option<Cipher>,
    is_optional: bool,
}

impl Seal {
    /// Every session is sealed, and this is who we are. Of a server that takes no others; of a
    /// client that asks any acceptor to show its key, see [`Seal::pin`].
    pub fn require(key: SealKey) -> Self {
        Self { key: Some(key), ..Self::default() }
    }

    /// Of a server that seals for those who ask, and takes others too.
    pub fn allow(key: SealKey) -> Self {
        Self { is_optional: true, ..Self::require(key) }
    }

    /// Of a client that has no key, and takes no acceptor but the one with this.
    pub fn pinned(acceptor: SealPublicKey) -> Self {
        Self::default().pin(acceptor)
    }

    /// Of a client: take no acceptor but the one with this key. Without one, whoever answers is
    /// taken, and an active attacker may be who answers: look at `Peer::seal_key` then.
    pub fn pin(mut self, acceptor: SealPublicKey) -> Self {
        self.pinned = Some(acceptor);
        self
    }

    /// A secret that both sides know beforehand, as from an invitation: nobody else is taken.
    pub fn psk(mut self, psk: Psk) -> Self {
        self.psk = Some(psk);
        self
    }

    /// The AEAD that a client asks for. By default AES-GCM where the processor has instructions
    /// for it, else ChaCha20-Poly1305.
    pub fn cipher(mut self, cipher: Cipher) -> Self {
        self.cipher = Some(cipher);
        self
    }

    /// Adds the pin of an address.
    ///
    /// # Errors
    /// Another key is pinned already.
    pub(crate) fn pin_too(self, acceptor: SealPublicKey) -> Result<Self, String> {
        match self.pinned {
            Some(pinned) if pinned != acceptor => {
                Err("the address has another fingerprint than the key that is pinned".to_owned())
            }
            _ => Ok(self.pin(acceptor)),
        }
    }

    /// What the engine is told.
    ///
    /// # Errors
    /// There is no key, no pin and no randomness to make a key for the occasion.
    pub(crate) fn config(&self) -> Result<SealConfig, String> {
        let key = match (&self.key, self.pinned) {
            (None, None) => Some(SealKey::generate().map_err(|error| error.to_string())?),
            (key, _) => key.clone(),
        };
        let pattern = SealConfig::pattern(key.is_some(), self.pinned.is_some());
        let cipher = self.cipher.unwrap_or_else(fast_cipher);
        Ok(SealConfig {
            suite: Suite { pattern, cipher, has_psk: self.psk.is_some() },
            key,
            pinned: self.pinned,
            psk: self.psk.clone(),
            required: !self.is_optional,
        })
    }
}

fn fast_cipher() -> Cipher {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if std::is_x86_feature_detected!("aes") && std::is_x86_feature_detected!("pclmulqdq") {
        return Cipher::AesGcm;
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("aes") {
        return Cipher::AesGcm;
    }
    Cipher::ChaChaPoly
}

/// What pins an acceptor in an address.
const FRAGMENT: &str = "#fp=";

/// What an acceptor is told.
///
/// # Errors
/// It has no key.
pub(crate) fn settle_acceptor(seal: Option<Seal>) -> Result<Option<SealConfig>, String> {
    match seal {
        Some(seal) if seal.key.is_none() => {
            Err("a server needs a key: use `Seal::require` or `Seal::allow`".to_owned())
        }
        seal => seal.map(|seal| seal.config()).transpose(),
    }
}

/// Moves what pins the acceptor from its addresses into the seal.
///
/// # Errors
/// What follows `#fp=` is no fingerprint, or not the one that is pinned already.
pub(crate) fn settle(
    mut seal: Option<Seal>,
    addresses: &mut [String],
) -> Result<Option<SealConfig>, String> {
    for address in addresses {
        let Some((bare, fingerprint)) = address.split_once(FRAGMENT) else { continue };
        let pinned = fingerprint.parse().map_err(|error: FingerprintError| error.to_string())?;
        seal = Some(seal.unwrap_or_default().pin_too(pinned)?);
        *address = bare.to_owned();
    }
    seal.map(|seal| seal.config()).transpose()
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The system has no randomness.
    #[error("no randomness for a key: {0}")]
    Random(getrandom::Error),
    /// The file cannot be read, or cannot be made.
    #[error("`{}`: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is no key.
    #[error("`{}` holds no key: make one with `fluxar key new {}`", path.display(), path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
    },
    /// Somebody else may read the file.
    #[error("others may read `{}`: chmod 600 it, or make a new key if they did", path.display())]
    Open {
        /// Which.
        path: PathBuf,
    },
}

/// The first line of a key file.
const HEADER: &str = "fluxar-seal-key-1\n";
/// Bytes of such a file, at most.
const FILE_BYTES_MAX: u64 = 1024;

impl SealKey {
    /// A new key.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut bytes[..]).map_err(KeyError::Random)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// Reads a key from a file that nobody else may read.
    ///
    /// # Errors
    /// There is no such file, it is no key, or others may read it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        use std::io::Read as _;
        let path = path.as_ref();
        let failed = |error| KeyError::File { path: path.to_owned(), error };
        let file = std::fs::File::open(path).map_err(failed)?;
        if !is_private(&file.metadata().map_err(failed)?) {
            return Err(KeyError::Open { path: path.to_owned() });
        }
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
        file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
        let secret = text.strip_prefix(HEADER).map(str::trim_end);
        // The text of a public key is that of any 32 bytes.
        let bytes = secret.and_then(|secret| secret.parse::<SealPublicKey>().ok());
        let malformed = || KeyError::Malformed { path: path.to_owned() };
        Ok(Self::from_bytes(&Zeroizing::new(bytes.ok_or_else(malformed)?.to_bytes())))
    }

    /// Writes the key into a new file with mode 0600.
    ///
    /// # Errors
    /// The file is there already, or cannot be made.
    pub fn store(&self, path: impl AsRef<Path>) -> Result<(), KeyError> {
        use std::io::Write as _;
        let path = path.as_ref();
        let failed = |error| KeyError::File { path: path.to_owned(), error };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        let secret = SealPublicKey::from_bytes(*self.secret_bytes());
        let text = Zeroizing::new(format!("{HEADER}{secret}\n"));
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
    }
}

/// Whether nobody but the owner may read it.
fn is_private(metadata: &std::fs::Metadata) -> bool {
    #[cfg(unix)]
    let is_private = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 == 0;
    #[cfg(not(unix))]
    let is_private = metadata.is_file();
    is_private
}

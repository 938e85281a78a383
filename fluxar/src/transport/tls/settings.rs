//! Whom to trust, and what to show: certificates, keys and authorities from files.

use super::certificate::fingerprint;
use crate::transport::Fingerprint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme, version};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

/// What both sides name in `tls` and `quic` links, so that no other protocol's connection is ever
/// taken for one of ours.
pub(crate) const ALPN: &[u8] = b"fluxar/1";
/// What `wss` names: the upgrade is HTTP/1.1.
pub(crate) const ALPN_WEB: &[u8] = b"http/1.1";

/// Why certificates or keys cannot be used. The message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {what} `{path}`: {reason}")]
    File {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The files were read, and do not work together.
    #[error("`{path}` cannot be used: {reason}")]
    Unusable {
        /// The file.
        path: String,
        /// Why, and what to do.
        reason: String,
    },
    /// There is nobody to trust.
    #[error("no certificate authority is trusted here: {0}")]
    NoRoots(String),
}

fn file_error(what: &'static str, path: &Path, error: rustls::pki_types::pem::Error) -> TlsError {
    use rustls::pki_types::pem::Error;
    let reason = match error {
        Error::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "there is no such file: check the path, or make one with `fluxar cert dev`".to_owned()
        }
        Error::Io(error) => format!("{error}: check its owner and mode"),
        Error::NoItemsFound => format!("it holds no {what} in PEM form (-----BEGIN …-----)"),
        error => format!("it is no PEM file: {error:?}"),
    };
    TlsError::File { what, path: path.display().to_string(), reason }
}

fn unusable(path: &Path, reason: impl Into<String>) -> TlsError {
    TlsError::Unusable { path: path.display().to_string(), reason: reason.into() }
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| file_error(what, path, error);
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(failed)?.collect();
    let read = read.map_err(failed)?;
    if read.is_empty() {
        return Err(failed(rustls::pki_types::pem::Error::NoItemsFound));
    }
    Ok(read)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| file_error("private key", path, error))
}

fn authorities(path: &Path, into: &mut RootCertStore) -> Result<(), TlsError> {
    for certificate in certificates("certificate", path)? {
        into.add(certificate).map_err(|error| {
            unusable(path, format!("it is no certificate of an authority: {error}"))
        })?;
    }
    Ok(())
}

/// The one provider of cryptography; never a default of the process.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(ring::default_provider())))
}

const VERSIONS: &[&rustls::SupportedProtocolVersion] = &[&version::TLS13];

/// A certificate with its chain, and its key.
type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Whom to trust when dialing `tls://`, `wss://` and `quic://`, and what to show them.
///
/// The authorities of the platform are trusted, unless [`TlsClient::only`] says otherwise; names
/// are always checked. With [`TlsClient::pin`] just the certificates named are taken, whoever
/// signed them.
#[derive(Clone, Default)]
pub struct TlsClient {
    authorities: Vec<PathBuf>,
    is_only: bool,
    pins: Vec<Fingerprint>,
    identity: Option<(PathBuf, PathBuf)>,
}

impl TlsClient {
    /// The authorities of the platform, and no certificate of ours.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the authorities of a PEM file as well.
    ///
    /// # Errors
    /// The file is missing, or holds no such certificate.
    pub fn ca(mut self, path: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let path = path.into();
        authorities(&path, &mut RootCertStore::empty())?;
        self.authorities.push(path);
        Ok(self)
    }

    /// Trusts the files of [`TlsClient::ca`] only, not the platform.
    #[must_use]
    pub fn only(mut self) -> Self {
        self.is_only = true;
        self
    }

    /// Takes the certificate with this fingerprint, and no other but those pinned as well. Who
    /// signed it, its names and its dates are not looked at then: the fingerprint says it all.
    #[must_use]
    pub fn pin(mut self, fingerprint: Fingerprint) -> Self {
        self.pins.push(fingerprint);
        self
    }

    /// Shows a certificate of ours (PEM files: the chain, and its key) to who asks for one.
    ///
    /// # Errors
    /// A file is missing, or they do not belong together.
    pub fn identity(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        self.identity = Some((certificate.into(), key.into()));
        self.config(ALPN, true)?;
        Ok(self)
    }

    /// What rustls wants. The files are read each time, so that a link made anew has their news.
    /// With `is_trial` no authorities are looked for.
    pub(crate) fn config(
        &self,
        alpn: &[u8],
        is_trial: bool,
    ) -> Result<rustls::ClientConfig, TlsError> {
        let provider = provider();
        let algorithms = provider.signature_verification_algorithms;
        let verifier: Arc<dyn ServerCertVerifier> = if is_trial || !self.pins.is_empty() {
            Arc::new(Pinned { pins: self.pins.clone(), algorithms })
        } else {
            let roots = Arc::new(self.roots()?);
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()
                .map_err(|error| TlsError::NoRoots(error.to_string()))?
        };
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(VERSIONS)
            .expect("ring speaks TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let (chain, own) = own(certificate, key)?;
                builder.with_client_auth_cert(chain, own).map_err(|error| mismatch(key, &error))?
            }
        };
        config.alpn_protocols = vec![alpn.to_vec()];
        // A resumed TLS session would skip the check of what was reloaded or revoked meanwhile.
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for path in &self.authorities {
            authorities(path, &mut roots)?;
        }
        if !self.is_only {
            roots.add_parsable_certificates(platform().iter().cloned());
        }
        if roots.is_empty() {
            let text = "this system has none (Debian: apt-get install ca-certificates): name a \
                        file of yours with TlsClient::ca, or pin the server's certificate";
            return Err(TlsError::NoRoots(text.to_owned()));
        }
        Ok(roots)
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient")
            .field("authorities", &self.authorities)
            .field("pins", &self.pins)
            .field("identity", &self.identity.as_ref().map(|(certificate, _)| certificate))
            .finish_non_exhaustive()
    }
}

/// The platform's authorities, read once: hundreds of files, on some systems.
fn platform() -> &'static [CertificateDer<'static>] {
    static CERTIFICATES: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    // What cannot be read is not trusted; with nothing left, `NoRoots` says so.
    CERTIFICATES.get_or_init(|| rustls_native_certs::load_native_certs().certs)
}

fn own(certificate: &Path, key: &Path) -> Result<Own, TlsError> {
    Ok((certificates("certificate", certificate)?, private_key(key)?))
}

fn mismatch(key: &Path, error: &rustls::Error) -> TlsError {
    let reason = match error {
        rustls::Error::InconsistentKeys(_) => {
            "it is not the key of this certificate: name the pair that was made together".to_owned()
        }
        error => error.to_string(),
    };
    unusable(key, reason)
}

/// Takes certificates by their fingerprint.
#[derive(Debug)]
struct Pinned {
    pins: Vec<Fingerprint>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let is_pinned = self.pins.contains(&fingerprint(end_entity));
        if is_pinned {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What to show to those who dial, from PEM files that are read again when they change.
///
/// Clones share one state: [`TlsServer::reload`] on any of them is seen by the listeners.
#[derive(Clone)]
pub struct TlsServer {
    inner: Arc<Inner>,
}

struct Inner {
    files: Files,
    loaded: Mutex<Loaded>,
}

/// Where everything is read from.
#[derive(Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    clients: Option<Clients>,
}

/// Who is asked for a certificate of which authorities.
#[derive(Clone)]
struct Clients {
    authorities: PathBuf,
    is_optional: bool,
}

struct Loaded {
    stamps: Stamps,
    fluxar: Arc<rustls::ServerConfig>,
    web: Arc<rustls::ServerConfig>,
}

/// When each file changed last, and its size: together they betray every usual way of replacing.
type Stamps = [Option<(SystemTime, u64)>; 3];

impl TlsServer {
    /// Shows the certificate of a PEM file (with its chain); its key is in the other.
    ///
    /// # Errors
    /// A file is missing, or they do not belong together.
    pub fn from_pem(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        Self::read(Files { certificate: certificate.into(), key: key.into(), clients: None })
    }

    /// Asks those who dial for a certificate of an authority in this PEM file; who has none is
    /// refused. What its holder may do is an authenticator's to say, such as
    /// [`AllowList`](crate::AllowList): a server that asks and has none is not built.
    ///
    /// # Errors
    /// The file is missing, or holds no such certificate.
    pub fn client_ca(self, path: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let is_optional = self.inner.files.clients.as_ref().is_some_and(|c| c.is_optional);
        self.asking(Clients { authorities: path.into(), is_optional })
    }

    /// As [`TlsServer::client_ca`], but lets in who shows none.
    ///
    /// # Errors
    /// As there.
    pub fn client_ca_optional(self, path: impl Into<PathBuf>) -> Result<Self, TlsError> {
        self.asking(Clients { authorities: path.into(), is_optional: true })
    }

    fn asking(self, clients: Clients) -> Result<Self, TlsError> {
        Self::read(Files { clients: Some(clients), ..self.inner.files.clone() })
    }

    fn read(files: Files) -> Result<Self, TlsError> {
        let loaded = Mutex::new(files.load()?);
        Ok(Self { inner: Arc::new(Inner { files, loaded }) })
    }

    /// Reads the files again, for the handshakes to come. Links that live are left alone.
    ///
    /// Listeners do so by themselves when a file has changed; they go on with what they had while
    /// the new files are of no use, as when only one of two was replaced yet.
    ///
    /// # Errors
    /// As [`TlsServer::from_pem`]; what was loaded before stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = self.inner.files.load()?;
        *self.inner.lock() = fresh;
        Ok(())
    }

    /// Whether those who dial are asked for a certificate.
    pub(crate) fn asks_for_certificates(&self) -> bool {
        self.inner.files.clients.is_some()
    }

    /// What rustls wants, after a look at the files.
    pub(crate) fn config(&self, alpn: &[u8]) -> Arc<rustls::ServerConfig> {
        let files = &self.inner.files;
        let mut loaded = self.inner.lock();
        let stamps = files.stamps();
        if stamps != loaded.stamps {
            match files.load() {
                Ok(fresh) => *loaded = fresh,
                Err(error) => {
                    // Not again before the files change again.
                    loaded.stamps = stamps;
                    tracing::warn!(target: "fluxar", %error, "the old certificate stays");
                }
            }
        }
        Arc::clone(if alpn == ALPN_WEB { &loaded.web } else { &loaded.fluxar })
    }
}

impl Inner {
    fn lock(&self) -> std::sync::MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsServer")
            .field("certificate", &self.inner.files.certificate)
            .field("clients", &self.inner.files.clients.as_ref().map(|c| &c.authorities))
            .finish_non_exhaustive()
    }
}

impl Files {
    fn stamps(&self) -> Stamps {
        let clients = self.clients.as_ref().map(|clients| &clients.authorities);
        [Some(&self.certificate), Some(&self.key), clients].map(|path| {
            let metadata = std::fs::metadata(path?).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }

    fn load(&self) -> Result<Loaded, TlsError> {
        // Before the reading: what changes meanwhile is read once more, not missed.
        let stamps = self.stamps();
        let Self { certificate, key, clients } = self;
        let provider = provider();
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(VERSIONS)
            .expect("ring speaks TLS 1.3");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(Clients { authorities: path, is_optional }) => {
                let mut roots = RootCertStore::empty();
                authorities(path, &mut roots)?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier =
                    if *is_optional { verifier.allow_unauthenticated() } else { verifier };
                let verifier =
                    verifier.build().map_err(|error| unusable(path, error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let (chain, own) = own(certificate, key)?;
        let config = builder.with_single_cert(chain, own).map_err(|error| mismatch(key, &error))?;
        let named = |alpn: &[u8]| {
            let mut config = config.clone();
            config.alpn_protocols = vec![alpn.to_vec()];
            // As at the dialer; 0-RTT is off by rustls' default, and stays so.
            config.send_tls13_tickets = 0;
            config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
            Arc::new(config)
        };
        Ok(Loaded { stamps, fluxar: named(ALPN), web: named(ALPN_WEB) })
    }
}

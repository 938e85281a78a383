//! Authorities and certificates of the tests, made once a run.

use fluxar::transport::{Fingerprint, TlsClient, TlsServer};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType,
    SerialNumber, date_time_ymd,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// A directory of PEM files: `ca`, `stranger` (another authority), and, signed by `ca`,
/// `localhost`, `elsewhere`, `expired` and `client`; `stray` is signed by `stranger`.
pub(crate) struct Certs {
    directory: TempDir,
}

pub(crate) fn certs() -> &'static Certs {
    static CERTS: OnceLock<Certs> = OnceLock::new();
    CERTS.get_or_init(Certs::make)
}

impl Certs {
    fn make() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let at = directory.path();
        let (ca, stranger) = (authority(at, "ca"), authority(at, "stranger"));
        issue(at, &ca, "localhost", "localhost", |_| {});
        issue(at, &ca, "elsewhere", "elsewhere.example", |_| {});
        issue(at, &ca, "expired", "localhost", |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 1);
        });
        issue(at, &ca, "client", "client-7.example", |params| {
            params.distinguished_name.push(DnType::CommonName, "client seven");
        });
        issue(at, &stranger, "stray", "client-7.example", |_| {});
        Self { directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn server(&self, name: &str) -> TlsServer {
        let files = (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")));
        TlsServer::from_pem(files.0, files.1).expect("good files")
    }

    /// Trusts `ca` only.
    pub(crate) fn client(&self) -> TlsClient {
        TlsClient::new().ca(self.path("ca.pem")).expect("a good file").only()
    }

    /// With a certificate of its own.
    pub(crate) fn client_as(&self, name: &str) -> TlsClient {
        let files = (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")));
        self.client().identity(files.0, files.1).expect("good files")
    }

    pub(crate) fn fingerprint(&self, name: &str) -> Fingerprint {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        let path = self.path(&format!("{name}.pem"));
        let der = CertificateDer::from_pem_file(path).expect("a certificate");
        let digest = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
        let hash = digest.tls13().expect("of TLS 1.3").common.hash_provider.hash(&der);
        Fingerprint::new(hash.as_ref().try_into().expect("32 bytes"))
    }

    /// Makes a fresh pair for localhost at these paths, as a renewal does.
    pub(crate) fn renew(&self, into: &Path) {
        let ca = authority(into, "ca");
        issue(into, &ca, "localhost", "localhost", |params| {
            params.serial_number = Some(SerialNumber::from(7_u64));
        });
    }
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority(at: &Path, name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, format!("fluxar tests {name}"));
    let key = KeyPair::generate().expect("randomness");
    let issuer = CertifiedIssuer::self_signed(params, key).expect("signed");
    fs::write(at.join(format!("{name}.pem")), issuer.pem()).expect("written");
    issuer
}

fn issue(at: &Path, by: &Issuer, file: &str, name: &str, change: fn(&mut CertificateParams)) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.subject_alt_names.push(SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()));
    change(&mut params);
    let key = KeyPair::generate().expect("randomness");
    let certificate = params.signed_by(&key, by).expect("signed");
    fs::write(at.join(format!("{file}.pem")), certificate.pem()).expect("written");
    fs::write(at.join(format!("{file}.key")), key.serialize_pem()).expect("written");
}

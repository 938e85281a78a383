//! Certificates for the subjects that speak TLS or QUIC, made once a run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// The name that the certificate is for.
pub(crate) const NAME: &str = "127.0.0.1";

/// A directory with an authority, and a server's certificate of it; removed when dropped.
#[derive(Debug)]
pub(crate) struct Certs {
    directory: TempDir,
}

impl Certs {
    /// Makes them.
    pub(crate) fn make() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let server = CertificateParams::new([NAME.to_owned()])?.signed_by(&key, &authority)?;
        let files = Files::of(directory.path());
        fs::write(files.ca, authority.pem())?;
        fs::write(files.cert, server.pem())?;
        fs::write(files.key, key.serialize_pem())?;
        Ok(Self { directory })
    }

    /// Where they are, for another process.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// The files of that directory, PEM.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    /// The authority's certificate.
    pub(crate) ca: PathBuf,
    /// The server's certificate.
    pub(crate) cert: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

impl Files {
    /// Those of this directory.
    pub(crate) fn of(directory: &Path) -> Self {
        let file = |name| directory.join(name);
        Self { ca: file("ca.pem"), cert: file("server.pem"), key: file("server.key") }
    }
}

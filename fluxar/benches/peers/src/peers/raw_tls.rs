//! The raw echo over TLS 1.3: what rustls leaves of it.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::split;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{Echo, Handle, Target, raw};
use crate::certs::{Files, NAME};

/// Answers every frame with itself.
pub(crate) async fn serve(listener: TcpListener, files: &Files) -> Result<()> {
    let provider = Arc::new(ring::default_provider());
    let cert = CertificateDer::from_pem_file(&files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move { raw::echo_frames(acceptor.accept(socket).await?).await });
    }
}

/// The calling side of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Client(raw::Client);

impl Handle for Client {
    async fn connect(target: &Target) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(target.files()?.ca)?)?;
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let socket = TcpStream::connect(target.server).await?;
        socket.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::new(config));
        let socket = connector.connect(ServerName::try_from(NAME)?, socket).await?;
        let (input, output) = split(socket);
        Ok(Self(raw::Client::over(input, output)))
    }
}

impl Echo for Client {
    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        self.0.echo(payload).await
    }
}

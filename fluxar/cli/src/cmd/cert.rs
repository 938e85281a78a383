//! `fluxar cert`: certificates and keys for trying things out.

use crate::failure::Failure;
use crate::secret;
use crate::terminal;
use fluxar::IdentityKey;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::ServerName;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long a certificate for trying things out is good.
const LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
/// Two clocks may differ by so much.
const SKEW: Duration = Duration::from_secs(3600);
const NAME_FORMS: &str = "a name is a DNS name or an IP address, such as lab.example or 10.0.0.5";
/// What a machine calls itself.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Make certificates and keys for local use
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    Dev(Dev),
    Key(Key),
}

/// Make an authority, and certificates of it for a server on this machine and for a client
///
/// Writes ca.pem, server.pem, server.key, client.pem and client.key into a directory; only you may
/// read the keys. The authority's own key is thrown away: nobody can sign more with it. Good for 90
/// days.
///
/// Examples:
///   fluxar cert dev
///   fluxar up --listen tls://localhost:9443 --tls-cert certs/server.pem --tls-key certs/server.key
///   fluxar call tls://localhost:9443 llm.complete prompt=Hello --ca certs/ca.pem
///   fluxar cert dev --out lab --name lab.example --name 10.0.0.5
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Dev {
    /// Directory to write into; made when it is not there
    #[arg(long, value_name = "DIRECTORY", default_value = "certs")]
    out: PathBuf,
    /// Further name or IP address of the server, may be repeated
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Name of the client
    #[arg(long, value_name = "NAME", default_value = "client")]
    client: String,
    /// Replace what is there: a running server takes the new certificate by itself
    #[arg(long)]
    force: bool,
}

/// Make an Ed25519 key for --auth key:FILE, and print its public key for --allow-key
///
/// Examples:
///   fluxar cert key me.key
///   fluxar up --allow-key PUBLIC_KEY
///   fluxar call ws://127.0.0.1:9000 llm.complete prompt=Hello --auth key:me.key
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Key {
    /// File to write; nothing that is there is replaced
    file: PathBuf,
}

/// Makes them.
///
/// # Errors
/// A file cannot be written, or is there already.
pub(crate) fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::Dev(args) => dev(args),
        Verb::Key(args) => key(&args.file),
    }
}

fn key(file: &Path) -> Result<(), Failure> {
    let seed = secret::create(file)?;
    terminal::note("cert", format_args!("wrote {}: keep it to yourself", file.display()));
    terminal::data_line(IdentityKey::from_seed(&seed).public())
}

/// Modes of files.
const SECRET: u32 = 0o600;
const PUBLIC: u32 = 0o644;

fn dev(args: &Dev) -> Result<(), Failure> {
    let names = args.name.iter().chain([&args.client]);
    for name in names {
        // A wildcard stands for one label.
        let plain = name.strip_prefix("*.").unwrap_or(name);
        if ServerName::try_from(plain).is_err() {
            let cause = format_args!("`{name}` cannot stand in a certificate");
            return Err(Failure::usage(cause, NAME_FORMS));
        }
    }
    let made = make(args).map_err(|error| {
        Failure::usage(format_args!("no such certificate can be made: {error}"), NAME_FORMS)
    })?;
    let out = &args.out;
    fs::create_dir_all(out).map_err(|error| {
        let next = "name another directory with --out";
        Failure::local(format_args!("cannot make {}: {error}", out.display()), next)
    })?;
    for (name, text, mode) in &made {
        write(&out.join(name), text, *mode, args.force)?;
    }
    let at = |name: &str| out.join(name).display().to_string();
    let (cert, key, ca) = (at("server.pem"), at("server.key"), at("ca.pem"));
    terminal::note("cert", format_args!("wrote {} files into {}", made.len(), out.display()));
    let up = "fluxar up --listen tls://localhost:9443";
    terminal::note("cert", format_args!("try: {up} --tls-cert {cert} --tls-key {key}"));
    terminal::note("cert", format_args!("and: fluxar doctor tls://localhost:9443 --ca {ca}"));
    Ok(())
}

/// Name, content and mode of each file.
type Files = Vec<(&'static str, String, u32)>;

fn make(args: &Dev) -> Result<Files, rcgen::Error> {
    let mut params = dated(Vec::new(), "fluxar development authority")?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let mut files = vec![("ca.pem", ca.pem(), PUBLIC)];
    let names = LOCAL_NAMES.map(str::to_owned).into_iter().chain(args.name.iter().cloned());
    let mut server = dated(names.collect(), "localhost")?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut client = dated(vec![args.client.clone()], &args.client)?;
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    for (params, names) in
        [(server, ["server.pem", "server.key"]), (client, ["client.pem", "client.key"])]
    {
        let key = KeyPair::generate()?;
        files.push((names[0], params.signed_by(&key, &ca)?.pem(), PUBLIC));
        files.push((names[1], key.serialize_pem(), SECRET));
    }
    Ok(files)
}

#[expect(clippy::disallowed_methods, reason = "certificates are dated by the wall clock")]
fn dated(names: Vec<String>, subject: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    let now = SystemTime::now();
    params.not_before = (now - SKEW).into();
    params.not_after = (now + LIFE).into();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, subject);
    Ok(params)
}

/// Writes a file that is either whole or not there: a server that looks must not see half of it.
fn write(path: &Path, text: &str, mode: u32, replaces: bool) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let next = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "name another place, or add --force to replace it",
            _ => "name another place",
        };
        Failure::local(format_args!("cannot write {}: {error}", path.display()), next)
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    if !replaces {
        let mut file = options.open(path).map_err(failed)?;
        return file.write_all(text.as_bytes()).map_err(failed);
    }
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let mut file = options.open(&fresh).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    fs::rename(&fresh, path).map_err(failed)
}

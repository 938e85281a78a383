//! The three HELLOs: offer, answer, confirmation.
//!
//! ```text
//! dialer                                acceptor
//!   HELLO {versions, peer, caps, limits, heartbeat, auth} ──▶
//!   ◀── HELLO ref {version, peer, caps, limits, heartbeat, session}
//!   HELLO ref ──▶            (anything may follow at once)
//! ```

use crate::config::Limits;
use crate::engine::session::auth::Credential;
use crate::engine::session::challenge::PublicKey;
use crate::engine::session::limits::PeerLimits;
use crate::engine::session::resume::ResumeHello;
use crate::engine::violation::Violation;
use crate::engine::wire::cbor::{self, Reader};
use bytes::Bytes;
use std::time::Duration;

/// The body itself, and a map in it.
const OUTER_LEVELS: usize = 2;

/// The protocol version that this side speaks.
pub const VERSION: u64 = 1;
/// The encoding whose records have numbers as keys.
const NUMBERED: u64 = 1;
/// Entries of a list in HELLO, at most.
const LIST_MAX: u64 = 16;
/// Bytes of a name or role in HELLO, at most.
const NAME_BYTES_MAX: usize = 256;
/// Bytes of a credential, at most.
const CREDENTIAL_BYTES_MAX: usize = 8 << 10;
/// The key of the proof in a confirmation.
const PROOF: u64 = 8;
/// The key of what is said about resuming: one that others ignore.
const RESUME: u64 = 33;
/// The key of the message that seals: one that others ignore.
const SEAL: u64 = 34;
/// Bytes of it, at most; a confirmation holds the credential.
const SEAL_BYTES_MAX: usize = 12 << 10;
/// Who a peer says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerInfo {
    /// One number a process: tells two instances of a name apart.
    pub instance: [u8; 16],
    /// A name for people.
    pub name: String,
    /// The roles it offers.
    pub roles: Vec<String>,
}

/// The body of an offer or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HelloBody {
    /// The versions offered, or the one chosen.
    pub versions: Vec<u64>,
    /// Who sends it.
    pub peer: PeerInfo,
    /// What it takes.
    pub limits: PeerLimits,
    /// How often it wants to hear something.
    pub heartbeat: Duration,
    /// What it presents; in offers.
    pub credential: Option<Credential>,
    /// The session's name; in answers.
    pub session: Option<[u8; 16]>,
    /// Numbers as keys (encoding 1) are offered, or chosen.
    pub numbered_keys: bool,
    /// A number drawn for this one handshake: with a challenge.
    pub nonce: Option<[u8; 32]>,
    /// What is said about resuming; with it the capability `resume` is offered or chosen.
    pub resume: Option<ResumeHello>,
    /// The codecs offered, or those chosen.
    pub codecs: Vec<u64>,
    /// The seal offered, or chosen.
    pub seals: Vec<u64>,
    /// The message that seals; empty when there is none.
    pub seal: Vec<u8>,
}

impl HelloBody {
    pub(crate) fn of(limits: &Limits, peer: PeerInfo) -> Self {
        Self {
            versions: vec![VERSION],
            peer,
            limits: PeerLimits::of(limits),
            heartbeat: limits.heartbeat,
            credential: None,
            session: None,
            numbered_keys: limits.numbered_keys,
            nonce: None,
            resume: None,
            codecs: Vec::new(),
            seals: Vec::new(),
            seal: Vec::new(),
        }
    }

    /// The body's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        let optional = u64::from(self.credential.is_some())
            + u64::from(self.session.is_some())
            + u64::from(self.nonce.is_some())
            + u64::from(self.resume.is_some())
            + u64::from(!self.seal.is_empty());
        cbor::put_head(&mut out, cbor::MAP, 5 + optional);
        cbor::put_uint(&mut out, 0);
        put_numbers(&mut out, &self.versions);
        cbor::put_uint(&mut out, 1);
        self.put_peer(&mut out);
        cbor::put_uint(&mut out, 2);
        self.put_capabilities(&mut out);
        cbor::put_uint(&mut out, 3);
        let numbers = self.limits.numbers();
        cbor::put_head(&mut out, cbor::MAP, numbers.len() as u64);
        for (key, number) in numbers.into_iter().enumerate() {
            cbor::put_uint(&mut out, key as u64);
            cbor::put_uint(&mut out, u64::from(number));
        }
        cbor::put_uint(&mut out, 4);
        let millis = u64::try_from(self.heartbeat.as_millis()).unwrap_or(u64::MAX);
        cbor::put_uint(&mut out, millis);
        if let Some(credential) = &self.credential {
            cbor::put_uint(&mut out, 5);
            put_credential(&mut out, credential);
        }
        if let Some(session) = &self.session {
            cbor::put_uint(&mut out, 6);
            cbor::put_bytes(&mut out, session);
        }
        if let Some(nonce) = &self.nonce {
            cbor::put_uint(&mut out, 7);
            cbor::put_bytes(&mut out, nonce);
        }
        if let Some(resume) = &self.resume {
            cbor::put_uint(&mut out, RESUME);
            resume.put(&mut out);
        }
        if !self.seal.is_empty() {
            cbor::put_uint(&mut out, SEAL);
            cbor::put_bytes(&mut out, &self.seal);
        }
        out
    }

    /// Codecs beside plain, seals, resume, the highest qos and key modes beside names.
    fn put_capabilities(&self, out: &mut Vec<u8>) {
        cbor::put_head(out, cbor::MAP, 5);
        cbor::put_uint(out, 0);
        put_numbers(out, &self.codecs);
        cbor::put_uint(out, 1);
        put_numbers(out, &self.seals);
        cbor::put_uint(out, 2);
        cbor::put_bool(out, self.resume.is_some());
        cbor::put_uint(out, 3);
        cbor::put_uint(out, 0);
        cbor::put_uint(out, 4);
        put_numbers(out, if self.numbered_keys { &[NUMBERED] } else { &[] });
    }

    fn put_peer(&self, out: &mut Vec<u8>) {
        cbor::put_head(out, cbor::MAP, 3);
        cbor::put_uint(out, 0);
        cbor::put_bytes(out, &self.peer.instance);
        cbor::put_uint(out, 1);
        cbor::put_text(out, &self.peer.name);
        cbor::put_uint(out, 2);
        cbor::put_head(out, cbor::ARRAY, self.peer.roles.len() as u64);
        self.peer.roles.iter().for_each(|role| cbor::put_text(out, role));
    }

    /// Reads a body.
    ///
    /// # Errors
    /// The rule of the body or of CBOR that the bytes break.
    pub fn decode(bytes: &[u8]) -> Result<Self, Violation> {
        Self::read(bytes).map_err(|violation| match violation {
            Violation::CborType => Violation::HelloMissing,
            other => other,
        })
    }

    fn read(bytes: &[u8]) -> Result<Self, Violation> {
        let mut reader = Reader::new(bytes);
        let (mut versions, mut peer, mut limits, mut heartbeat) = (None, None, None, None);
        let (mut credential, mut session, mut capabilities) = (None, None, None);
        let mut nonce = None;
        let mut resume = None;
        let mut seal = Vec::new();
        each_key(&mut reader, |key, reader| {
            match key {
                0 => versions = Some(read_numbers(reader)?),
                1 => peer = Some(read_peer(reader)?),
                2 => capabilities = Some(read_capabilities(reader)?),
                3 => limits = Some(PeerLimits::read(reader)?),
                4 => heartbeat = Some(Duration::from_millis(reader.uint()?)),
                5 => credential = Some(read_credential(reader)?),
                6 => session = Some(sized_bytes(reader)?),
                7 => nonce = Some(sized_bytes(reader)?),
                RESUME => resume = Some(ResumeHello::read(reader).map_err(of_resume)?),
                SEAL => seal = read_seal(reader)?.to_vec(),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        reader.finish()?;
        let (Some(versions), Some(peer), Some(limits), Some(heartbeat), Some(capabilities)) =
            (versions, peer, limits, heartbeat, capabilities)
        else {
            return Err(Violation::HelloMissing);
        };
        let Capabilities { codecs, seals, resume: resumes, numbered_keys } = capabilities;
        // One without the other asks for nothing.
        let resume = resume.filter(|_| resumes);
        Ok(Self {
            versions,
            peer,
            limits,
            heartbeat,
            credential,
            session,
            numbered_keys,
            nonce,
            resume,
            codecs,
            seals,
            seal,
        })
    }
}

/// The body as it was before the message that seals was put into it: zeros stand for that.
pub(crate) fn without_seal(body: &[u8]) -> Vec<u8> {
    let mut blank = body.to_vec();
    let mut reader = Reader::new(body);
    let _broken = each_key(&mut reader, |key, reader| {
        if key == SEAL {
            let message = read_seal(reader)?.len();
            blank[reader.position() - message..reader.position()].fill(0);
        } else {
            reader.skip(OUTER_LEVELS)?;
        }
        Ok(true)
    });
    blank
}

fn read_seal<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Violation> {
    let message = reader.bytes()?;
    if message.len() > SEAL_BYTES_MAX { Err(Violation::HelloLong) } else { Ok(message) }
}

/// What a confirmation seals.
#[derive(Debug, Default)]
pub(crate) struct Presented {
    pub(crate) credential: Credential,
    /// The proof of a resume.
    pub(crate) mac: Option<[u8; 32]>,
    /// The proof of a key.
    pub(crate) signature: Option<[u8; 64]>,
}

impl Presented {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        let proofs = u64::from(self.mac.is_some()) + u64::from(self.signature.is_some());
        cbor::put_head(&mut out, cbor::MAP, 1 + proofs);
        if let Some(mac) = &self.mac {
            cbor::put_uint(&mut out, 0);
            cbor::put_bytes(&mut out, mac);
        }
        cbor::put_uint(&mut out, 5);
        put_credential(&mut out, &self.credential);
        if let Some(signature) = &self.signature {
            cbor::put_uint(&mut out, PROOF);
            cbor::put_bytes(&mut out, signature);
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Violation> {
        let (mut mac, mut credential, mut signature) = (None, None, None);
        read_confirm(bytes, |key, reader| {
            match key {
                0 => mac = Some(sized_bytes(reader)?),
                5 => credential = Some(read_credential(reader)?),
                PROOF => signature = Some(sized_bytes(reader)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { credential: credential.ok_or(Violation::HelloMissing)?, mac, signature })
    }
}

/// The body of a confirmation that seals.
pub(crate) fn encode_confirm(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 8);
    cbor::put_head(&mut out, cbor::MAP, 1);
    cbor::put_uint(&mut out, SEAL);
    cbor::put_bytes(&mut out, message);
    out
}

/// The message in the body of a confirmation.
pub(crate) fn decode_confirm(bytes: &[u8]) -> Result<&[u8], Violation> {
    let mut message = None;
    read_confirm(bytes, |key, reader| {
        if key == SEAL {
            message = Some(read_seal(reader)?);
        }
        Ok(key == SEAL)
    })?;
    message.ok_or(Violation::HelloMissing)
}

fn read_confirm<'a>(
    bytes: &'a [u8],
    take: impl FnMut(u64, &mut Reader<'a>) -> Result<bool, Violation>,
) -> Result<(), Violation> {
    let mut reader = Reader::new(bytes);
    each_key(&mut reader, take).and_then(|()| reader.finish()).map_err(
        |violation| match violation {
            Violation::CborType => Violation::HelloMissing,
            other => other,
        },
    )
}

/// A value of the wrong type there breaks the rule about it.
fn of_resume(violation: Violation) -> Violation {
    match violation {
        Violation::CborType | Violation::HelloMissing => Violation::HelloResume,
        other => other,
    }
}

/// Reads a map with rising integer keys. Keys that `take` does not know are a violation below 32
/// and ignored from there on.
pub(super) fn each_key<'a>(
    reader: &mut Reader<'a>,
    mut take: impl FnMut(u64, &mut Reader<'a>) -> Result<bool, Violation>,
) -> Result<(), Violation> {
    let mut last = None;
    for _ in 0..reader.map()? {
        let key = reader.uint()?;
        if last.is_some_and(|last| last >= key) {
            return Err(Violation::CborKeyOrder);
        }
        last = Some(key);
        if take(key, reader)? {
            continue;
        }
        if !(32..64).contains(&key) {
            return Err(Violation::HelloUnknown);
        }
        reader.skip(OUTER_LEVELS)?;
    }
    Ok(())
}

fn list_len(reader: &mut Reader<'_>) -> Result<u64, Violation> {
    let len = reader.array()?;
    if len > LIST_MAX { Err(Violation::HelloLong) } else { Ok(len) }
}

fn read_numbers(reader: &mut Reader<'_>) -> Result<Vec<u64>, Violation> {
    (0..list_len(reader)?).map(|_| reader.uint()).collect()
}

fn short_text(reader: &mut Reader<'_>) -> Result<String, Violation> {
    let text = reader.text()?;
    if text.len() > NAME_BYTES_MAX { Err(Violation::HelloLong) } else { Ok(text.to_owned()) }
}

/// The body of a confirmation that proves a key.
pub(crate) fn encode_proof(signature: &[u8; 64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(68);
    cbor::put_head(&mut out, cbor::MAP, 1);
    cbor::put_uint(&mut out, PROOF);
    cbor::put_bytes(&mut out, signature);
    out
}

/// The signature in the body of a confirmation.
pub(crate) fn decode_proof(bytes: &[u8]) -> Result<[u8; 64], Violation> {
    let mut proof = None;
    read_confirm(bytes, |key, reader| {
        if key == PROOF {
            proof = Some(sized_bytes(reader)?);
        }
        Ok(key == PROOF)
    })?;
    proof.ok_or(Violation::HelloMissing)
}

/// A byte string of just this length.
pub(super) fn sized_bytes<const N: usize>(reader: &mut Reader<'_>) -> Result<[u8; N], Violation> {
    reader.bytes()?.try_into().map_err(|_| Violation::HelloMissing)
}

/// A count or position: 2^63 and above would leave no room to count on.
pub(super) fn number(reader: &mut Reader<'_>) -> Result<u64, Violation> {
    let number = reader.uint()?;
    if number >> 63 == 0 { Ok(number) } else { Err(Violation::HelloResume) }
}

fn read_peer(reader: &mut Reader<'_>) -> Result<PeerInfo, Violation> {
    let (mut instance, mut name, mut roles) = (None, None, Vec::new());
    each_key(reader, |key, reader| {
        match key {
            0 => instance = Some(sized_bytes(reader)?),
            1 => name = Some(short_text(reader)?),
            2 => {
                for _ in 0..list_len(reader)? {
                    roles.push(short_text(reader)?);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    match (instance, name) {
        (Some(instance), Some(name)) => Ok(PeerInfo { instance, name, roles }),
        _ => Err(Violation::HelloMissing),
    }
}

fn put_numbers(out: &mut Vec<u8>, numbers: &[u64]) {
    cbor::put_head(out, cbor::ARRAY, numbers.len() as u64);
    numbers.iter().for_each(|number| cbor::put_uint(out, *number));
}

/// What a peer can beyond the base. Of what is left out this side offers nothing, so there the
/// intersection is the base, whatever the peer offers.
#[derive(Debug, Default)]
struct Capabilities {
    codecs: Vec<u64>,
    seals: Vec<u64>,
    resume: bool,
    /// Numbers as keys.
    numbered_keys: bool,
}

fn read_capabilities(reader: &mut Reader<'_>) -> Result<Capabilities, Violation> {
    let mut read = Capabilities::default();
    each_key(reader, |key, reader| {
        match key {
            0 => read.codecs = read_numbers(reader)?,
            1 => read.seals = read_numbers(reader)?,
            2 => read.resume = reader.bool()?,
            4 => read.numbered_keys = read_numbers(reader)?.contains(&NUMBERED),
            3 => drop(reader.uint()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(read)
}

fn put_credential(out: &mut Vec<u8>, credential: &Credential) {
    let data = match credential {
        Credential::None | Credential::Certificate => None,
        Credential::Key(key) => Some(key.public().as_bytes().to_vec()),
        Credential::PublicKey(key) => Some(key.as_bytes().to_vec()),
        Credential::Bearer(secret) | Credential::ApiKey(secret) => Some(secret.as_bytes().to_vec()),
        // As in HTTP basic: the user must not contain a colon.
        Credential::Basic { user, password } => Some(format!("{user}:{password}").into_bytes()),
        Credential::Other { data, .. } => Some(data.to_vec()),
    };
    cbor::put_head(out, cbor::MAP, 1 + u64::from(data.is_some()));
    cbor::put_uint(out, 0);
    cbor::put_text(out, credential.scheme());
    if let Some(data) = data {
        cbor::put_uint(out, 1);
        cbor::put_bytes(out, &data);
    }
}

/// A credential that is not of its scheme's form reads as one of an unknown scheme, which every
/// authenticator refuses.
fn read_credential(reader: &mut Reader<'_>) -> Result<Credential, Violation> {
    let (mut scheme, mut data) = (None, None);
    each_key(reader, |key, reader| {
        match key {
            0 => scheme = Some(short_text(reader)?),
            1 => data = Some(reader.bytes()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let scheme = scheme.ok_or(Violation::HelloMissing)?;
    if data.is_some_and(|data| data.len() > CREDENTIAL_BYTES_MAX) {
        return Err(Violation::HelloLong);
    }
    let key = data.and_then(|data| <[u8; 32]>::try_from(data).ok());
    let text = data.and_then(|data| std::str::from_utf8(data).ok());
    Ok(match (scheme.as_str(), text) {
        ("none", _) if data.is_none() => Credential::None,
        ("mtls", _) if data.is_none() => Credential::Certificate,
        ("challenge", _) if key.is_some() => {
            Credential::PublicKey(PublicKey::new(key.unwrap_or_default()))
        }
        ("bearer", Some(token)) => Credential::Bearer(token.to_owned()),
        ("api_key", Some(key)) => Credential::ApiKey(key.to_owned()),
        ("basic", Some(pair)) if pair.contains(':') => {
            let (user, password) = pair.split_once(':').unwrap_or_default();
            Credential::Basic { user: user.to_owned(), password: password.to_owned() }
        }
        _ => {
            let data = Bytes::copy_from_slice(data.unwrap_or_default());
            Credential::Other { scheme, data }
        }
    })
}

//! What a link's own handshake has proved, for authenticators and people.

use std::fmt;

/// Facts of an encrypted link.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkSecurity {
    /// Such as `TLS 1.3`.
    pub protocol: &'static str,
    /// The cipher suite; empty when the transport does not tell.
    pub cipher: String,
    /// A secret that only the two ends of this one link know (RFC 9266): what is signed together
    /// with it is worth nothing on any other link.
    pub exporter: Option<[u8; 32]>,
    /// Who the other end proved to be, if it showed a certificate.
    pub peer_certificate: Option<PeerCertificate>,
}

impl fmt::Debug for LinkSecurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkSecurity")
            .field("protocol", &self.protocol)
            .field("cipher", &self.cipher)
            .field("peer_certificate", &self.peer_certificate)
            .finish_non_exhaustive()
    }
}

/// The certificate that the other end proved to hold the key of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCertificate {
    /// SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
    /// The common name of its subject; empty when there is none.
    pub subject: String,
    /// The DNS names and URIs it is valid for.
    pub names: Vec<String>,
    /// When it ends, as in the certificate: `20270131120000Z`; empty when that cannot be read.
    pub not_after: String,
}

impl PeerCertificate {
    /// What its holder is called, when nobody has given it another name. Never empty.
    pub(crate) fn known_as(&self) -> String {
        let names = [&self.subject].into_iter().chain(&self.names);
        let name = names.into_iter().find(|name| !name.is_empty());
        name.cloned().unwrap_or_else(|| self.fingerprint.to_string())
    }
}

/// The SHA-256 of a certificate. Written as 64 hexadecimal digits, with or without colons.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Takes the 32 bytes of a SHA-256.
    #[must_use]
    pub fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::str::FromStr for Fingerprint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let wrong = "a fingerprint is the SHA-256 of the certificate: 64 hexadecimal digits";
        let digits: Vec<u32> = text
            .trim_start_matches("sha256:")
            .chars()
            .filter(|c| *c != ':')
            .map(|c| c.to_digit(16).ok_or(wrong))
            .collect::<Result<_, _>>()?;
        let (pairs, []) = digits.as_chunks::<2>() else { return Err(wrong) };
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| (high * 16 + low) as u8).collect();
        bytes.try_into().map(Self).map_err(|_| wrong)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_back_in_any_usual_form() {
        let print = Fingerprint::new(std::array::from_fn(|at| (at * 37) as u8));
        let text = print.to_string();
        let pairs: Vec<&str> =
            text.as_bytes().chunks(2).map(|p| str::from_utf8(p).unwrap()).collect();
        for form in [text.clone(), text.to_uppercase(), pairs.join(":"), format!("sha256:{text}")] {
            assert_eq!(form.parse(), Ok(print), "{form}");
        }
        for wrong in ["", "00", &text[1..], &format!("{text}00"), &text.replace(&text[..1], "g")] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }
}

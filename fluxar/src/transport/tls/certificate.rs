//! Reads what a peer's certificate says.

use crate::transport::{Fingerprint, PeerCertificate};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

/// Names of one certificate that are kept.
const NAMES_MAX: usize = 64;
/// Bytes of a text of a certificate that are kept.
const TEXT_BYTES_MAX: usize = 256;
/// The object identifier of a common name, 2.5.4.3, with its tag and length.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];

/// The SHA-256 of a certificate in DER.
pub(crate) fn fingerprint(der: &[u8]) -> Fingerprint {
    Fingerprint::new(Sha256::digest(der).into())
}

impl PeerCertificate {
    /// Reads a certificate that the handshake has accepted.
    pub(crate) fn read(der: &CertificateDer<'_>) -> Self {
        let mut names = Vec::new();
        let mut subject = String::new();
        if let Ok(certificate) = webpki::EndEntityCert::try_from(der) {
            let dns = certificate.valid_dns_names().map(clip);
            let uris = certificate.valid_uri_names().map(clip);
            names = dns.chain(uris).take(NAMES_MAX).collect();
            subject = common_name(certificate.subject()).unwrap_or_default();
        }
        let not_after = not_after(der).unwrap_or_default();
        Self { fingerprint: fingerprint(der), subject, names, not_after }
    }
}

fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_BYTES_MAX / 4).collect()
}

/// One DER item: its tag, its content, and what follows.
fn item(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk::<2>()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (len, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (len.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

/// The last common name of a subject (the content of its sequence): the most specific one.
fn common_name(subject: &[u8]) -> Option<String> {
    let mut found = None;
    let mut rest = subject;
    while let Some((_, set, after)) = item(rest) {
        rest = after;
        let (_, pair, _) = item(set)?;
        if let Some(value) = pair.strip_prefix(&COMMON_NAME) {
            let (_, text, _) = item(value)?;
            found = std::str::from_utf8(text).ok().map(clip);
        }
    }
    found
}

/// The end of the validity: the second time of the fifth field of the first sequence, counted
/// without the version.
fn not_after(der: &[u8]) -> Option<String> {
    let (_, certificate, _) = item(der)?;
    let (_, signed, _) = item(certificate)?;
    let (tag, _, after) = item(signed)?;
    let mut rest = if tag == 0xa0 { after } else { signed };
    for _ in ["serial number", "signature", "issuer"] {
        (_, _, rest) = item(rest)?;
    }
    let (_, validity, _) = item(rest)?;
    let (_, _, second) = item(validity)?;
    let (tag, text, _) = item(second)?;
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
    // A UTCTime has two digits of the year; RFC 5280 says which century.
    const UTC_TIME: u8 = 0x17;
    Some(match (tag, text.get(..2)?.parse::<u8>()) {
        (UTC_TIME, Ok(0..50)) => format!("20{text}"),
        (UTC_TIME, _) => format!("19{text}"),
        _ => clip(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bytes_make_the_reader_panic() {
        let cut: [&[u8]; 6] = [
            b"",
            b"\x30",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x82\x00",
            b"\x30\x80",
            b"\x30\x03\x31\x01",
        ];
        for bytes in cut {
            assert_eq!(not_after(bytes), None);
            let _read = common_name(bytes);
            let facts = PeerCertificate::read(&CertificateDer::from(bytes.to_vec()));
            assert!(facts.names.is_empty() && facts.subject.is_empty());
        }
    }
}

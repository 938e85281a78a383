//! The canonical descriptor as data, whose hash the runtime's own encoder makes anew.

use super::text::{Lines, quote};
use crate::model::{Contract, Docs, Lifecycle, Package};

/// Characters of base 64 in a line: a multiple of four.
const LINE: usize = 96;

pub(super) fn descriptor(to: &mut Lines, package: &Package<Contract>) {
    let none = (Docs::default(), Lifecycle::default());
    let text = base64(&package.descriptor());
    to.docs(
        &none.0,
        &none.1,
        "The canonical descriptor of the contract, as all languages have it.",
    );
    to.line("export const DESCRIPTOR: Uint8Array = $.fromBase64(");
    to.deeper(|to| {
        let mut rest = text.as_str();
        while rest.len() > LINE {
            let (line, after) = rest.split_at(LINE);
            to.line(format!("{} +", quote(line)));
            rest = after;
        }
        to.line(quote(rest));
    });
    to.line(");");
    let hash: String = package.hash().iter().map(|byte| format!("{byte:02x}")).collect();
    to.docs(
        &none.0,
        &none.1,
        "Its hash: peers with the same one were made from the same contract.",
    );
    to.line(format!("export const HASH = {};", quote(&hash)));
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base_64_has_its_padding() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (text, want) in cases {
            assert_eq!(base64(text.as_bytes()), want);
        }
    }
}

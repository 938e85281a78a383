//! The canonical descriptor as data of Python, whose hash the runtime's own encoder makes anew.

use super::writer::{Writer, bytes, text};
use crate::model::Model;

pub(super) fn descriptor(to: &mut Writer, package: &Model) {
    let name = package.name.as_deref().map_or_else(|| "None".to_owned(), text);
    to.line(format!("PACKAGE: str | None = {name}"));
    let hash: String = package.hash().iter().map(|byte| format!("{byte:02x}")).collect();
    to.line(format!("HASH = \"{hash}\""));
    to.line("\"\"\"The SHA-256 of the descriptor.\"\"\"");
    let mut reader = Literal { bytes: &package.bare_descriptor() };
    to.line(format!("DESCRIPTOR: object = {}", reader.item()));
    to.line("\"\"\"What the contract is, as data (contract.md).\"\"\"");
}

/// Spells the CBOR of a descriptor. Its bytes are our own, so nothing is checked.
struct Literal<'b> {
    bytes: &'b [u8],
}

impl Literal<'_> {
    fn take(&mut self, size: usize) -> &[u8] {
        let (taken, rest) = self.bytes.split_at(size.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    fn number(&mut self, info: u8) -> u64 {
        match info {
            24..=27 => {
                let bytes = self.take(1 << (info - 24));
                bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
            }
            small => u64::from(small),
        }
    }

    fn item(&mut self) -> String {
        let first = self.take(1).first().copied().unwrap_or(0xf6);
        let number = self.number(first & 0x1f);
        let size = usize::try_from(number).unwrap_or(0);
        match first >> 5 {
            0 => number.to_string(),
            1 => (-1 - i128::from(number)).to_string(),
            2 => bytes(self.take(size)),
            3 => text(&String::from_utf8_lossy(self.take(size))),
            // A list without items has no type that a checker could find.
            4 if size == 0 => "()".to_owned(),
            4 => {
                let items: Vec<String> = (0..size).map(|_| self.item()).collect();
                format!("[{}]", items.join(", "))
            }
            5 => {
                if size == 0 {
                    // A checker does not know what an empty one would hold.
                    return "dict[int, object]()".to_owned();
                }
                let entry = |_| format!("{}: {}", self.item(), self.item());
                format!("{{{}}}", (0..size).map(entry).collect::<Vec<_>>().join(", "))
            }
            _ => match first {
                0xf4 => "False".to_owned(),
                0xf5 => "True".to_owned(),
                0xfb => format!("{:?}", f64::from_bits(number)),
                _ => "None".to_owned(),
            },
        }
    }
}

//! The CBOR that descriptors are made of: deterministic (RFC 8949 §4.2.1), keys are numbers.

use super::DescriptorError;

/// Bytes of a descriptor, at most.
pub const BYTES_MAX: usize = 4 << 20;
/// Nesting of a descriptor, at most.
const DEPTH_MAX: usize = 64;

/// The key of documentation in every map.
pub(super) const DOCS: u64 = 15;

/// One item.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Int(i128),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Self>),
    /// Keys in rising order.
    Map(Vec<(u64, Self)>),
    Bool(bool),
    Null,
    Float(f64),
}

impl Item {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(int) if *int >= 0 => head(out, 0, *int as u64),
            Self::Int(int) => head(out, 1, (-1 - *int) as u64),
            Self::Bytes(bytes) => {
                head(out, 2, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
            Self::Text(text) => {
                head(out, 3, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Array(items) => {
                head(out, 4, items.len() as u64);
                items.iter().for_each(|item| item.put(out));
            }
            Self::Map(entries) => {
                head(out, 5, entries.len() as u64);
                for (key, value) in entries {
                    head(out, 0, *key);
                    value.put(out);
                }
            }
            Self::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
            Self::Null => out.push(0xf6),
            Self::Float(float) => {
                // One width, so that every language writes the same bytes without rounding.
                out.push(0xfb);
                out.extend_from_slice(&float.to_be_bytes());
            }
        }
    }

    /// The same without documentation.
    pub(super) fn without_docs(self) -> Self {
        match self {
            Self::Array(items) => Self::Array(items.into_iter().map(Self::without_docs).collect()),
            Self::Map(entries) => {
                let kept = entries.into_iter().filter(|(key, _)| *key != DOCS);
                Self::Map(kept.map(|(key, value)| (key, value.without_docs())).collect())
            }
            other => other,
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DescriptorError> {
        if bytes.len() > BYTES_MAX {
            return Err(DescriptorError::new("more than 4 MiB"));
        }
        let mut reader = Reader { bytes };
        let item = reader.item(0)?;
        if !reader.bytes.is_empty() {
            return Err(DescriptorError::new("bytes behind the end"));
        }
        Ok(item)
    }
}

fn head(out: &mut Vec<u8>, major: u8, number: u64) {
    let first = major << 5;
    match number {
        0..=23 => out.push(first | number as u8),
        24..=0xff => out.extend_from_slice(&[first | 24, number as u8]),
        0x100..=0xffff => {
            out.push(first | 25);
            out.extend_from_slice(&(number as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(first | 26);
            out.extend_from_slice(&(number as u32).to_be_bytes());
        }
        _ => {
            out.push(first | 27);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn take(&mut self, len: u64) -> Result<&[u8], DescriptorError> {
        let cut = DescriptorError::new("cut short");
        let len = usize::try_from(len).map_err(|_| cut.clone())?;
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or(cut)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn number(&mut self, info: u8) -> Result<u64, DescriptorError> {
        let (width, least) = match info {
            0..=23 => return Ok(u64::from(info)),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            _ => return Err(DescriptorError::new("an indefinite or reserved length")),
        };
        let taken = self.take(width)?;
        let number = taken.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        if number < least {
            return Err(DescriptorError::new("a number that is not in its shortest form"));
        }
        Ok(number)
    }

    fn item(&mut self, depth: usize) -> Result<Item, DescriptorError> {
        if depth > DEPTH_MAX {
            return Err(DescriptorError::new("nested too deep"));
        }
        let first = self.take(1)?[0];
        let (major, info) = (first >> 5, first & 31);
        if major == 7 {
            return self.simple(first);
        }
        let number = self.number(info)?;
        Ok(match major {
            0 => Item::Int(number.into()),
            1 => Item::Int(-1 - i128::from(number)),
            2 => Item::Bytes(self.take(number)?.to_vec()),
            3 => {
                let text = String::from_utf8(self.take(number)?.to_vec());
                Item::Text(text.map_err(|_| DescriptorError::new("text that is not UTF-8"))?)
            }
            4 => {
                let mut items = Vec::new();
                // Nothing is reserved by a declared length.
                for _ in 0..number {
                    items.push(self.item(depth + 1)?);
                }
                Item::Array(items)
            }
            5 => Item::Map(self.map(number, depth)?),
            _ => return Err(DescriptorError::new("a tag")),
        })
    }

    fn map(&mut self, len: u64, depth: usize) -> Result<Vec<(u64, Item)>, DescriptorError> {
        let mut entries: Vec<(u64, Item)> = Vec::new();
        for _ in 0..len {
            let first = self.take(1)?[0];
            if first >> 5 != 0 {
                return Err(DescriptorError::new("a key that is no number"));
            }
            let key = self.number(first & 31)?;
            if entries.last().is_some_and(|(last, _)| *last >= key) {
                return Err(DescriptorError::new("keys that do not rise"));
            }
            entries.push((key, self.item(depth + 1)?));
        }
        Ok(entries)
    }

    fn simple(&mut self, first: u8) -> Result<Item, DescriptorError> {
        Ok(match first {
            0xf4 => Item::Bool(false),
            0xf5 => Item::Bool(true),
            0xf6 => Item::Null,
            0xfb => {
                let bytes = self.take(8)?.try_into();
                let bytes = bytes.map_err(|_| DescriptorError::new("cut short"))?;
                let float = f64::from_be_bytes(bytes);
                if !float.is_finite() {
                    return Err(DescriptorError::new("a float that is not finite"));
                }
                Item::Float(float)
            }
            _ => return Err(DescriptorError::new("a simple value or float of another width")),
        })
    }
}

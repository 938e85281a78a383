//! What derived types read with: records and variants whose keys are names or numbers.
//!
//! Keys come in either form, key by key, in any order. Unknown keys are skipped, so that a newer
//! peer may send more; a key that comes twice is refused, because two readers could otherwise see
//! two different values.

use super::mismatch::Mismatch;
use super::read::{Kind, Open, Reader};
use super::unknown::{Unknown, UnknownKey};

/// The names and numbers of a record's fields, or of a union's variants.
#[derive(Debug)]
pub struct Table {
    /// The type's name, for messages.
    pub name: &'static str,
    /// The names on the wire.
    pub names: &'static [&'static str],
    /// The numbers in the same order; 0 where none is declared.
    pub ids: &'static [u32],
    /// The keys as they are written: by number, and by name.
    pub keys: &'static [[&'static [u8]; 2]],
    /// Names that were, with the place of what has another name now.
    pub was: &'static [(&'static str, usize)],
}

impl Table {
    #[inline]
    fn by_name(&self, name: &str, expected: usize) -> Option<usize> {
        // Tried first, because senders keep the order.
        if self.names.get(expected).is_some_and(|known| *known == name) {
            return Some(expected);
        }
        let was = || self.was.iter().find(|(old, _)| *old == name).map(|(_, place)| *place);
        self.names.iter().position(|known| *known == name).or_else(was)
    }

    #[inline]
    fn by_number(&self, number: u64, expected: usize) -> Option<usize> {
        if number == 0 {
            return None;
        }
        if self.ids.get(expected).is_some_and(|id| u64::from(*id) == number) {
            return Some(expected);
        }
        self.ids.iter().position(|id| u64::from(*id) == number)
    }

    fn name_of(&self, index: usize) -> &'static str {
        self.names.get(index).copied().unwrap_or("?")
    }
}

/// True when the input goes on with this key. Most keys are told by their first byte, without a
/// call to compare the rest.
#[inline(always)]
fn begins(rest: &[u8], key: &[u8]) -> bool {
    rest.first() == key.first() && (key.len() == 1 || rest.starts_with(key))
}

impl Reader<'_> {
    /// Enters the map of a record.
    ///
    /// # Errors
    /// Something else is here.
    #[inline(always)]
    pub fn open_record(&mut self, table: &Table) -> Result<Open, Mismatch> {
        match self.rest() {
            [0xa0..=0xbf, ..] => self.open_map("a map"),
            _ => Err(self.expected(&format!("a map with the fields of `{}`", table.name))),
        }
    }

    /// The index of the next known field; entries with other keys are skipped. `expected` is
    /// where the search begins.
    ///
    /// # Errors
    /// A key that is neither a text nor a number, or broken input.
    #[inline(always)]
    pub fn field(
        &mut self,
        open: &mut Open,
        table: &Table,
        expected: &mut usize,
    ) -> Result<Option<usize>, Mismatch> {
        while self.next(open)? {
            // Senders keep the order and write keys as we do: then there is nothing to search.
            if let Some([number, name]) = table.keys.get(*expected) {
                let rest = self.rest();
                let length = match (begins(rest, number), begins(rest, name)) {
                    (true, _) => number.len(),
                    (_, true) => name.len(),
                    _ => 0,
                };
                if length > 0 {
                    self.at += length;
                    *expected += 1;
                    return Ok(Some(*expected - 1));
                }
            }
            if let Some(index) = self.key(table, *expected)? {
                *expected = index + 1;
                return Ok(Some(index));
            }
            self.skip()?;
        }
        Ok(None)
    }

    fn key(&mut self, table: &Table, expected: usize) -> Result<Option<usize>, Mismatch> {
        match self.kind()? {
            Kind::Text => Ok(table.by_name(&self.text()?, expected)),
            Kind::Uint => Ok(table.by_number(self.uint()?, expected)),
            Kind::Negative => self.skip().map(|()| None),
            _ => Err(self.expected("a name or a number as key")),
        }
    }

    /// Reads the variant that comes, up to its content.
    ///
    /// # Errors
    /// Something else than a key or a map of one entry is here.
    #[inline(always)]
    pub fn pick(&mut self, table: &Table) -> Result<Picked, Mismatch> {
        let mut open = None;
        if let [0xa0..=0xbf, ..] = self.rest() {
            let mut entries = self.open_map("a map")?;
            if !self.next(&mut entries)? {
                return Err(one_entry(table));
            }
            open = Some(entries);
        }
        let (from, rest) = (self.at, self.rest());
        for (index, [number, name]) in table.keys.iter().enumerate() {
            let length = match (begins(rest, number), begins(rest, name)) {
                (true, _) => number.len(),
                (_, true) => name.len(),
                _ => continue,
            };
            self.at += length;
            return Ok(Picked { index: Some(index), from, to: self.at, open });
        }
        self.pick_slowly(table, open)
    }

    /// The key of a variant that is written in another way than ours, or unknown.
    #[cold]
    fn pick_slowly(&mut self, table: &Table, open: Option<Open>) -> Result<Picked, Mismatch> {
        let from = self.at;
        let index = match self.kind()? {
            Kind::Text | Kind::Uint => self.key(table, 0)?,
            _ if open.is_some() => return Err(self.expected("a name or a number as key")),
            _ => {
                let what = "a variant of `{}`: its name, or a map of one entry";
                return Err(self.expected(&what.replace("{}", table.name)));
            }
        };
        Ok(Picked { index, from, to: self.at, open })
    }

    /// For a variant without content: none may be here, but null or something empty.
    ///
    /// # Errors
    /// There is content.
    #[inline(always)]
    pub fn no_content(&mut self, picked: &Picked) -> Result<(), Mismatch> {
        if picked.open.is_none() { Ok(()) } else { self.nothing() }
    }

    /// For a variant with content: it has to be here.
    ///
    /// # Errors
    /// The variant came without.
    #[inline(always)]
    pub fn content(&mut self, picked: &Picked, table: &Table) -> Result<(), Mismatch> {
        if picked.open.is_some() {
            return Ok(());
        }
        let name = table.name_of(picked.index.unwrap_or(usize::MAX));
        let what = format_args!("the variant `{name}` has content: expected a map of one entry");
        Err(Mismatch::new(what))
    }

    /// The variant as it is, when this side does not know it.
    ///
    /// # Errors
    /// Its content is broken.
    pub fn unknown(&mut self, picked: &Picked) -> Result<Unknown, Mismatch> {
        let mut key = Self::new(self.slice(picked.from, picked.to), false);
        let key = match key.kind()? {
            Kind::Uint => UnknownKey::Number(key.uint()?),
            _ => UnknownKey::Name(key.text()?.into_owned()),
        };
        let content = match picked.open {
            None => None,
            Some(_) => {
                let from = self.at;
                self.skip()?;
                Some(self.since(from).to_vec())
            }
        };
        Ok(Unknown { key, content })
    }

    /// The error of a variant that this side does not know, and may not keep.
    #[cold]
    pub fn no_variant(&self, picked: &Picked, table: &Table) -> Mismatch {
        let mut key = Self::new(self.slice(picked.from, picked.to), false);
        let said = match key.text() {
            Ok(name) => name.into_owned(),
            Err(_) => key.uint().map(|number| number.to_string()).unwrap_or_default(),
        };
        let names = table.names.join(", ");
        Mismatch::new(format_args!("unknown variant `{said}`: expected one of {names}"))
    }

    /// Leaves the variant: nothing may stand beside it.
    ///
    /// # Errors
    /// A second entry.
    #[inline(always)]
    pub fn close(&mut self, picked: Picked, table: &Table) -> Result<(), Mismatch> {
        let Some(mut open) = picked.open else { return Ok(()) };
        if self.next(&mut open)? { Err(one_entry(table)) } else { Ok(()) }
    }

    /// Nothing: null, or an empty map or list.
    ///
    /// # Errors
    /// There is something.
    pub fn nothing(&mut self) -> Result<(), Mismatch> {
        let what = "nothing (null, or an empty map or list)";
        let mut open = match self.kind()? {
            Kind::Null => return if self.null() { Ok(()) } else { Err(self.expected(what)) },
            Kind::Map => self.open_map(what)?,
            Kind::List => self.open_list()?,
            _ => return Err(self.expected(what)),
        };
        if self.next(&mut open)? {
            Err(Mismatch::new(format_args!("expected {what}")))
        } else {
            Ok(())
        }
    }
}

#[cold]
fn one_entry(table: &Table) -> Mismatch {
    let name = table.name;
    Mismatch::new(format_args!("a variant of `{name}` is its name, or a map of one entry"))
}

/// A variant whose key has been read.
#[derive(Clone, Copy, Debug)]
pub struct Picked {
    index: Option<usize>,
    /// Where the key stands.
    from: usize,
    to: usize,
    /// The map of one entry around a variant with content.
    open: Option<Open>,
}

impl Picked {
    /// The variant's place in its table; `usize::MAX` when it is not there.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index.unwrap_or(usize::MAX)
    }
}

/// Reads the value of a field into its slot.
///
/// # Errors
/// A second value for the field, or one that does not fit.
#[inline]
pub fn fill<'b, T>(
    slot: &mut Option<T>,
    from: &mut Reader<'b>,
    name: &'static str,
    read: impl FnOnce(&mut Reader<'b>) -> Result<T, Mismatch>,
) -> Result<(), Mismatch> {
    if slot.is_some() {
        return Err(Mismatch::new(format_args!("duplicate field `{name}`")));
    }
    match read(from) {
        Ok(value) => {
            *slot = Some(value);
            Ok(())
        }
        Err(mismatch) => Err(mismatch.at(name)),
    }
}

/// The value of a field, or what stands for a missing one.
///
/// # Errors
/// The field is missing and its type has no empty value.
#[inline]
pub fn need<T>(
    slot: Option<T>,
    name: &'static str,
    absent: impl FnOnce() -> Option<T>,
) -> Result<T, Mismatch> {
    match slot.or_else(absent) {
        Some(value) => Ok(value),
        None => Err(Mismatch::new(format_args!("missing field `{name}`"))),
    }
}

//! The entries of one map while they are being read.

use super::DescriptorError;
use super::item::Item;
use std::time::Duration;

type Read<T> = Result<T, DescriptorError>;

/// What is left of a map.
pub(super) struct Entries(Vec<(u64, Item)>);

impl Entries {
    pub(super) fn of(item: Item) -> Read<Self> {
        match item {
            Item::Map(entries) => Ok(Self(entries)),
            _ => Err(DescriptorError::new("a map is wanted")),
        }
    }

    /// Nothing unknown may be left.
    pub(super) fn end(self) -> Read<()> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(DescriptorError::new("an unknown key").within(key)),
        }
    }

    pub(super) fn take(&mut self, key: u64) -> Option<Item> {
        let place = self.0.iter().position(|(other, _)| *other == key)?;
        Some(self.0.remove(place).1)
    }

    /// An entry that may be absent.
    pub(super) fn maybe<T>(
        &mut self,
        key: u64,
        read: impl FnOnce(Item) -> Read<T>,
    ) -> Read<Option<T>> {
        self.take(key).map(|item| read(item).map_err(|error| error.within(key))).transpose()
    }

    pub(super) fn must<T>(&mut self, key: u64, read: impl FnOnce(Item) -> Read<T>) -> Read<T> {
        let missing = || DescriptorError::new("a key is missing").within(key);
        self.maybe(key, read)?.ok_or_else(missing)
    }

    /// A list; absent when it is empty.
    pub(super) fn list<T>(&mut self, key: u64, read: impl FnMut(Item) -> Read<T>) -> Read<Vec<T>> {
        let items = self.maybe(key, |item| list(item, read))?;
        match items {
            Some(items) if items.is_empty() => {
                Err(DescriptorError::new("an empty list that should be absent").within(key))
            }
            items => Ok(items.unwrap_or_default()),
        }
    }

    /// A map; absent when it is empty.
    pub(super) fn map<T>(
        &mut self,
        key: u64,
        read: impl FnOnce(Item) -> Read<T>,
    ) -> Read<Option<T>> {
        self.maybe(key, |item| match item {
            Item::Map(entries) if entries.is_empty() => {
                Err(DescriptorError::new("an empty map that should be absent"))
            }
            item => read(item),
        })
    }

    pub(super) fn flag(&mut self, key: u64) -> Read<bool> {
        match self.take(key) {
            None => Ok(false),
            Some(Item::Bool(true)) => Ok(true),
            Some(_) => Err(DescriptorError::new("`true` or nothing is wanted").within(key)),
        }
    }

    pub(super) fn text(&mut self, key: u64) -> Read<Option<String>> {
        self.maybe(key, text)
    }

    pub(super) fn u32(&mut self, key: u64) -> Read<Option<u32>> {
        self.maybe(key, number)
    }

    pub(super) fn u64(&mut self, key: u64) -> Read<Option<u64>> {
        self.maybe(key, number)
    }

    pub(super) fn duration(&mut self, key: u64) -> Read<Option<Duration>> {
        Ok(self.maybe(key, number)?.map(Duration::from_micros))
    }
}

pub(super) fn text(item: Item) -> Read<String> {
    match item {
        Item::Text(text) => Ok(text),
        _ => Err(DescriptorError::new("a text is wanted")),
    }
}

pub(super) fn number<T: TryFrom<i128>>(item: Item) -> Read<T> {
    let wrong = || DescriptorError::new("a number of that size is wanted");
    match item {
        Item::Int(int) => T::try_from(int).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

pub(super) fn list<T>(item: Item, mut read: impl FnMut(Item) -> Read<T>) -> Read<Vec<T>> {
    let Item::Array(items) = item else { return Err(DescriptorError::new("a list is wanted")) };
    let place = |index: usize| move |error: DescriptorError| error.within(index);
    items.into_iter().enumerate().map(|(at, item)| read(item).map_err(place(at))).collect()
}

/// The parts of a list of a fixed length.
pub(super) fn parts<const N: usize>(item: Item) -> Read<[Item; N]> {
    let wrong = || DescriptorError::new("a list of another length is wanted");
    let Item::Array(items) = item else { return Err(wrong()) };
    items.try_into().map_err(|_| wrong())
}

//! Types of std on the wire.

use super::mismatch::Mismatch;
use super::read::{Kind, Open, Reader};
use super::write::Writer;
use super::{Decode, Encode};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

/// Bytes that a list reserves on the word of the sender, at most.
const RESERVE_BYTES: usize = 4096;

macro_rules! integers {
    ($($ty:ident: $method:ident as $wide:ident;)*) => {
        $(impl Encode for $ty {
            #[inline]
            fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
                to.$method(*self as $wide);
                Ok(())
            }
        }

        impl Decode for $ty {
            #[inline]
            fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
                let value = from.$method()?;
                Self::try_from(value).map_err(|_| out_of_range(value, stringify!($ty)))
            }
        })*
    };
}

integers! {
    u8: uint as u64;
    u16: uint as u64;
    u32: uint as u64;
    u64: uint as u64;
    usize: uint as u64;
    i8: int as i64;
    i16: int as i64;
    i32: int as i64;
    i64: int as i64;
    isize: int as i64;
}

#[cold]
fn out_of_range(value: impl std::fmt::Display, ty: &str) -> Mismatch {
    Mismatch::new(format_args!("{value} does not fit into {ty}"))
}

impl Encode for f32 {
    #[inline]
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.f32(*self);
        Ok(())
    }
}

impl Decode for f32 {
    #[inline]
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        from.float().map(|value| value as Self)
    }
}

impl Encode for f64 {
    #[inline]
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.f64(*self);
        Ok(())
    }
}

impl Decode for f64 {
    #[inline]
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        from.float()
    }
}

impl Encode for bool {
    #[inline]
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.bool(*self);
        Ok(())
    }
}

impl Decode for bool {
    #[inline]
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        from.bool()
    }
}

impl Encode for str {
    #[inline]
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.text(self);
        Ok(())
    }
}

impl Encode for String {
    #[inline]
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.text(self);
        Ok(())
    }
}

impl Decode for String {
    #[inline]
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        from.text().map(std::borrow::Cow::into_owned)
    }
}

impl Encode for Box<str> {
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.text(self);
        Ok(())
    }
}

impl Decode for Box<str> {
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        from.text().map(Into::into)
    }
}

impl Encode for char {
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.text(self.encode_utf8(&mut [0; 4]));
        Ok(())
    }
}

impl Decode for char {
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        let text = from.text()?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Mismatch::new("expected one character")),
        }
    }
}

impl Encode for () {
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.null();
        Ok(())
    }
}

impl Decode for () {
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        from.nothing()
    }
}

impl Encode for Bytes {
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.bytes(self);
        Ok(())
    }
}

impl Decode for Bytes {
    /// Formats without byte strings have lists of numbers in their place.
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        match from.kind()? {
            Kind::List => Vec::<u8>::decode(from).map(Self::from),
            _ => from.bytes().map(|bytes| Self::copy_from_slice(&bytes)),
        }
    }
}

/// The microseconds of a duration, as contracts count.
pub(super) fn duration_micros(duration: Duration) -> Result<u64, Mismatch> {
    let micros = u64::try_from(duration.as_micros());
    micros.map_err(|_| Mismatch::new("the duration is longer than contracts can say"))
}

impl Encode for Duration {
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        to.uint(duration_micros(*self)?);
        Ok(())
    }
}

impl Decode for Duration {
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        from.uint().map(Self::from_micros)
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    #[inline]
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        T::encode(self, to)
    }
}

impl<T: Encode> Encode for Box<T> {
    #[inline]
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        T::encode(self, to)
    }

    fn is_absent(&self) -> bool {
        T::is_absent(self)
    }
}

impl<T: Decode> Decode for Box<T> {
    #[inline]
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        T::decode(from).map(Self::new)
    }

    fn absent() -> Option<Self> {
        T::absent().map(Self::new)
    }
}

impl<T: Encode> Encode for Option<T> {
    #[inline]
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        match self {
            Some(value) => value.encode(to),
            None => {
                to.null();
                Ok(())
            }
        }
    }

    #[inline]
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Decode> Decode for Option<T> {
    #[inline]
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        if from.null() { Ok(None) } else { T::decode(from).map(Some) }
    }

    #[inline]
    fn absent() -> Option<Self> {
        Some(None)
    }
}

fn write_list<'v, T: Encode + 'v>(
    to: &mut Writer,
    items: impl ExactSizeIterator<Item = &'v T>,
) -> Result<(), Mismatch> {
    to.list(items.len());
    for (index, item) in items.enumerate() {
        item.encode(to).map_err(|mismatch| mismatch.at_index(index))?;
    }
    Ok(())
}

/// What a list of this length may reserve: one that is not there costs the sender nothing.
fn room<T>(open: Open, from: &Reader<'_>) -> usize {
    let fits = RESERVE_BYTES / size_of::<T>().max(1);
    open.declared().unwrap_or(0).min(from.rest().len()).min(fits.max(1))
}

/// Reads the items of a list.
fn read_list<T: Decode>(
    from: &mut Reader<'_>,
    mut open: Open,
    mut take: impl FnMut(T),
) -> Result<(), Mismatch> {
    let mut index = 0;
    while from.next(&mut open)? {
        take(T::decode(from).map_err(|mismatch| mismatch.at_index(index))?);
        index += 1;
    }
    Ok(())
}

macro_rules! lists {
    ($($ty:ty, [$($bound:tt)*], $make:expr, $add:ident;)*) => {
        $(impl<T: Encode> Encode for $ty {
            #[inline]
            fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
                write_list(to, self.iter())
            }
        }

        impl<T: Decode + $($bound)*> Decode for $ty {
            #[inline]
            fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
                let open = from.open_list()?;
                let make: fn(usize) -> Self = $make;
                let mut list = make(room::<T>(open, from));
                read_list(from, open, |item| {
                    list.$add(item);
                })?;
                Ok(list)
            }
        })*
    };
}

lists! {
    Vec<T>, [Sized], Self::with_capacity, push;
    VecDeque<T>, [Sized], Self::with_capacity, push_back;
    BTreeSet<T>, [Ord], |_| Self::new(), insert;
}

impl<T: Encode, H> Encode for HashSet<T, H> {
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        write_list(to, self.iter())
    }
}

impl<T: Decode + Eq + Hash, H: BuildHasher + Default> Decode for HashSet<T, H> {
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        let open = from.open_list()?;
        let mut set = Self::default();
        read_list(from, open, |item| {
            set.insert(item);
        })?;
        Ok(set)
    }
}

impl<T: Encode, const N: usize> Encode for [T; N] {
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        write_list(to, self.iter())
    }
}

impl<T: Decode, const N: usize> Decode for [T; N] {
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        let items = Vec::<T>::decode(from)?;
        let found = items.len();
        items
            .try_into()
            .map_err(|_| Mismatch::new(format_args!("expected a list of {N} items, found {found}")))
    }
}

fn write_map<'v, K: Encode + 'v, V: Encode + 'v>(
    to: &mut Writer,
    entries: impl ExactSizeIterator<Item = (&'v K, &'v V)>,
) -> Result<(), Mismatch> {
    to.map(entries.len());
    for (index, (key, value)) in entries.enumerate() {
        key.encode(to).and_then(|()| value.encode(to)).map_err(|m| m.at_index(index))?;
    }
    Ok(())
}

/// Reads the entries of a map; `add` gives false for a key that is there already.
fn read_map<K: Decode, V: Decode>(
    from: &mut Reader<'_>,
    mut add: impl FnMut(K, V) -> bool,
) -> Result<(), Mismatch> {
    let mut open = from.open_map("a map")?;
    let mut index = 0;
    while from.next(&mut open)? {
        let key = K::decode(from).map_err(|mismatch| mismatch.at_index(index))?;
        let value = V::decode(from).map_err(|mismatch| mismatch.at_index(index))?;
        if !add(key, value) {
            return Err(Mismatch::new("a key comes twice").at_index(index));
        }
        index += 1;
    }
    Ok(())
}

impl<K: Encode, V: Encode> Encode for BTreeMap<K, V> {
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        write_map(to, self.iter())
    }
}

impl<K: Decode + Ord, V: Decode> Decode for BTreeMap<K, V> {
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        let mut map = Self::new();
        read_map(from, |key, value| map.insert(key, value).is_none())?;
        Ok(map)
    }
}

impl<K: Encode, V: Encode, H> Encode for HashMap<K, V, H> {
    fn encode(&self, to: &mut Writer) -> Result<(), Mismatch> {
        write_map(to, self.iter())
    }
}

impl<K: Decode + Eq + Hash, V: Decode, H: BuildHasher + Default> Decode for HashMap<K, V, H> {
    fn decode(from: &mut Reader<'_>) -> Result<Self, Mismatch> {
        let mut map = Self::default();
        read_map(from, |key, value| map.insert(key, value).is_none())?;
        Ok(map)
    }
}

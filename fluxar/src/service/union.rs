//! Enums: a text (or a number) for a variant without content, a map of one entry for the others.

use super::record::{Key, read_unit};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A value that is one of several.
pub trait Union<'de>: Sized {
    /// The type's name, for messages.
    const NAME: &'static str;
    /// The variants' names on the wire.
    const NAMES: &'static [&'static str];
    /// The variants' numbers in the same order; 0 where none is declared.
    const IDS: &'static [u32];

    /// The variant, if it has no content.
    fn bare(index: usize) -> Option<Self>;

    /// The variant with its content.
    ///
    /// # Errors
    /// Content that does not fit.
    fn with_content<A: MapAccess<'de>>(
        index: usize,
        content: Content<'_, A>,
    ) -> Result<Self, A::Error>;
}

/// The content of a variant that is being decoded.
#[derive(Debug)]
pub struct Content<'m, A> {
    map: &'m mut A,
}

impl<A> Content<'_, A> {
    /// Decodes the content.
    ///
    /// # Errors
    /// Content of the wrong type.
    pub fn value<'de, T: Deserialize<'de>>(self) -> Result<T, A::Error>
    where
        A: MapAccess<'de>,
    {
        self.map.next_value()
    }

    /// Decodes the content of a variant that has none.
    ///
    /// # Errors
    /// There is content.
    pub fn none<'de, U: Union<'de>>(self, index: usize) -> Result<U, A::Error>
    where
        A: MapAccess<'de>,
    {
        let lost = || de::Error::custom("a variant without content and without a value");
        let variant = U::bare(index).ok_or_else(lost)?;
        self.value::<Empty>()?;
        Ok(variant)
    }
}

/// Nothing, in any of its forms.
struct Empty;

impl<'de> Deserialize<'de> for Empty {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read_unit(from).map(|()| Self)
    }
}

/// Decodes an enum.
///
/// # Errors
/// Input that is neither a known variant's name or number nor a map of one such entry.
pub fn read_union<'de, U: Union<'de>, D: Deserializer<'de>>(from: D) -> Result<U, D::Error> {
    // Not `deserialize_enum`: readers differ in what they make of numbers, and of a name where a
    // map is due.
    from.deserialize_any(UnionVisitor(PhantomData))
}

struct UnionVisitor<U>(PhantomData<U>);

impl<'de, U: Union<'de>> UnionVisitor<U> {
    const KEY: Key = Key { names: U::NAMES, ids: U::IDS, expected: 0 };

    fn bare<E: de::Error>(index: Option<usize>, said: impl fmt::Display) -> Result<U, E> {
        let Some(index) = index else { return Err(unknown(&said, U::NAMES)) };
        U::bare(index).ok_or_else(|| {
            let name = U::NAMES.get(index).copied().unwrap_or("?");
            E::custom(format_args!("the variant `{name}` has content: expected a map of one entry"))
        })
    }
}

fn unknown<E: de::Error>(said: &impl fmt::Display, names: &'static [&'static str]) -> E {
    E::custom(format_args!("unknown variant `{said}`: expected one of {}", names.join(", ")))
}

impl<'de, U: Union<'de>> Visitor<'de> for UnionVisitor<U> {
    type Value = U;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a variant of `{}`: its name, or a map of one entry", U::NAME)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<U, E> {
        Self::bare(Self::KEY.visit_str(name)?, name)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<U, E> {
        Self::bare(Self::KEY.visit_u64(number)?, number)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<U, A::Error> {
        let Some(index) = map.next_key_seed(Self::KEY)? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        // Which unknown variant it was is lost with the key; the known ones are more useful.
        let Some(index) = index else {
            return Err(de::Error::custom(format_args!(
                "unknown variant of `{}`: expected one of {}",
                U::NAME,
                U::NAMES.join(", ")
            )));
        };
        let value = U::with_content(index, Content { map: &mut map })?;
        match map.next_key::<IgnoredAny>()? {
            None => Ok(value),
            Some(_) => Err(de::Error::invalid_length(2, &self)),
        }
    }
}

//! What `#[derive(fluxar::Type)]` decodes with: records and unions whose keys are names or numbers.
//!
//! Hand-written serde types give text keys, and so does our encoder; a peer that knows the
//! contract may send the declared numbers instead. Both are read here, key by key. Unknown keys
//! are skipped, so that a newer peer may send more; a key that comes twice is refused, because
//! two readers could otherwise see two different values.

use serde::Serialize;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use std::fmt;
use std::marker::PhantomData;

/// A value made of named fields.
pub trait Record<'de>: Sized {
    /// The type's name, for messages.
    const NAME: &'static str;
    /// The fields' names on the wire.
    const NAMES: &'static [&'static str];
    /// The fields' numbers in the same order; 0 where none is declared.
    const IDS: &'static [u32];

    /// Makes the value from the entries of a map.
    ///
    /// # Errors
    /// An entry that does not fit, comes twice or is missing.
    fn collect<A: MapAccess<'de>>(entries: Entries<A>) -> Result<Self, A::Error>;
}

/// The entries of a map that is being decoded into a [`Record`].
#[derive(Debug)]
pub struct Entries<A> {
    map: A,
    /// The field that comes next when the sender writes them in our order.
    expected: usize,
    names: &'static [&'static str],
    ids: &'static [u32],
}

impl<A> Entries<A> {
    fn new<'de, R: Record<'de>>(map: A) -> Self {
        Self { map, expected: 0, names: R::NAMES, ids: R::IDS }
    }

    /// The index of the next known field; entries with other keys are skipped.
    ///
    /// # Errors
    /// A key that is neither a text nor a number, or broken input.
    pub fn next_field<'de>(&mut self) -> Result<Option<usize>, A::Error>
    where
        A: MapAccess<'de>,
    {
        loop {
            let key = Key { names: self.names, ids: self.ids, expected: self.expected };
            match self.map.next_key_seed(key)? {
                None => return Ok(None),
                Some(Some(index)) => {
                    self.expected = index + 1;
                    return Ok(Some(index));
                }
                Some(None) => {
                    self.map.next_value::<IgnoredAny>()?;
                }
            }
        }
    }

    /// Decodes the value of the key that [`Entries::next_field`] gave.
    ///
    /// # Errors
    /// A second value for the field, or one of the wrong type.
    pub fn take<'de, T: Deserialize<'de>>(&mut self, slot: &mut Option<T>) -> Result<(), A::Error>
    where
        A: MapAccess<'de>,
    {
        if slot.is_some() {
            let name = self.names.get(self.expected.wrapping_sub(1)).copied().unwrap_or("?");
            return Err(de::Error::duplicate_field(name));
        }
        *slot = Some(self.map.next_value()?);
        Ok(())
    }

    /// The value of a field, or what stands for a missing one: nothing, where that is allowed.
    ///
    /// # Errors
    /// The field is missing and its type has no empty value.
    pub fn require<'de, T: Deserialize<'de>>(
        &self,
        slot: Option<T>,
        name: &'static str,
    ) -> Result<T, A::Error>
    where
        A: MapAccess<'de>,
    {
        match slot {
            Some(value) => Ok(value),
            None => T::deserialize(Missing { name, error: PhantomData }),
        }
    }
}

/// The value of a field whose type has a default.
pub fn or_default<T: Default>(slot: Option<T>) -> T {
    slot.unwrap_or_default()
}

/// Decodes a record.
///
/// # Errors
/// Input that is not a map, or does not fit the record.
pub fn read_record<'de, R: Record<'de>, D: Deserializer<'de>>(from: D) -> Result<R, D::Error> {
    from.deserialize_struct(R::NAME, R::NAMES, RecordVisitor(PhantomData))
}

/// Decodes a record of parameters, where null stands for an empty map.
///
/// # Errors
/// Input that is neither a map nor null, or does not fit the record.
pub fn read_parameters<'de, R: Record<'de>, D: Deserializer<'de>>(from: D) -> Result<R, D::Error> {
    struct Parameters<R>(PhantomData<R>);
    impl<'de, R: Record<'de>> Visitor<'de> for Parameters<R> {
        type Value = R;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of parameters by their names")
        }
        fn visit_none<E: de::Error>(self) -> Result<R, E> {
            R::collect(Entries::new::<R>(Nothing(PhantomData)))
        }
        fn visit_unit<E: de::Error>(self) -> Result<R, E> {
            self.visit_none()
        }
        fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<R, D::Error> {
            read_record(from)
        }
    }
    from.deserialize_option(Parameters(PhantomData))
}

/// Decodes a type without content: null, or an empty map or array.
///
/// # Errors
/// Input that has content.
pub fn read_unit<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    struct Unit;
    impl<'de> Visitor<'de> for Unit {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("nothing (null, or an empty map or array)")
        }
        fn visit_none<E>(self) -> Result<(), E> {
            Ok(())
        }
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
            match seq.next_element::<IgnoredAny>()? {
                None => Ok(()),
                Some(_) => Err(de::Error::invalid_length(1, &self)),
            }
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            match map.next_key::<IgnoredAny>()? {
                None => Ok(()),
                Some(_) => Err(de::Error::invalid_length(1, &self)),
            }
        }
    }
    from.deserialize_any(Unit)
}

/// A key: a name or a number of a table.
pub(super) struct Key {
    pub(super) names: &'static [&'static str],
    pub(super) ids: &'static [u32],
    /// Tried first, because senders keep the order.
    pub(super) expected: usize,
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        // Not `deserialize_identifier`: readers take that as "a text", and numbers are keys too.
        from.deserialize_any(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name or a number")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        if self.names.get(self.expected).is_some_and(|expected| *expected == name) {
            return Ok(Some(self.expected));
        }
        Ok(self.names.iter().position(|known| *known == name))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        let known = |id: &u32| *id != 0 && u64::from(*id) == number;
        Ok(self.ids.iter().position(known))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        u64::try_from(number).map_or(Ok(None), |number| self.visit_u64(number))
    }
}

struct RecordVisitor<R>(PhantomData<R>);

impl<'de, R: Record<'de>> Visitor<'de> for RecordVisitor<R> {
    type Value = R;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a map with the fields of `{}`", R::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<R, A::Error> {
        R::collect(Entries::new::<R>(map))
    }
}

/// Stands for a field that is missing: only a type with an empty value can be read from it.
struct Missing<E> {
    name: &'static str,
    error: PhantomData<E>,
}

impl<'de, E: de::Error> Deserializer<'de> for Missing<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, E> {
        Err(E::missing_field(self.name))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A map without entries.
struct Nothing<E>(PhantomData<E>);

impl<'de, E: de::Error> MapAccess<'de> for Nothing<E> {
    type Error = E;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _seed: K) -> Result<Option<K::Value>, E> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, _seed: V) -> Result<V::Value, E> {
        Err(E::custom("there is no value"))
    }
}

/// True when the value is written as nothing, so that its field can be left out.
pub fn is_absent<T: Serialize + ?Sized>(value: &T) -> bool {
    value.serialize(super::absent::Probe).is_ok()
}

//! What generated code asks about a type that it knows by its tokens only.
//!
//! Each question has three answers, and method resolution on `&&Probe` finds the first one that
//! fits: the type's own where it has one, else serde's, which needs one more reference, else none,
//! which needs one less. The last is there so that a type that cannot travel gives one error, that
//! of [`writes`] or [`reads`].

use super::topic::Segment;
use crate::payload::{Decode, Encode, Mismatch, Reader, Writer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::marker::PhantomData;

/// Asks about a type.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    /// A probe of the type.
    #[must_use]
    #[inline]
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T, E> Probe<Result<T, E>> {
    /// True here, where it is found before [`NoResult`].
    pub const IS_RESULT: bool = true;
}

/// Says of every type that it is no `Result`, unless the probe itself knows better.
pub trait NoResult {
    /// False.
    const IS_RESULT: bool = false;
}

impl<T> NoResult for Probe<T> {}

/// A type that writes itself.
pub trait EncodeKnown<T> {
    /// See [`Encode::encode`].
    ///
    /// # Errors
    /// The value's own.
    fn write(&self, value: &T, to: &mut Writer) -> Result<(), Mismatch>;

    /// See [`Encode::is_absent`].
    fn is_absent(&self, value: &T) -> bool;
}

impl<T: Encode> EncodeKnown<T> for &Probe<T> {
    #[inline]
    fn write(&self, value: &T, to: &mut Writer) -> Result<(), Mismatch> {
        value.encode(to)
    }

    #[inline]
    fn is_absent(&self, value: &T) -> bool {
        value.is_absent()
    }
}

/// Any other type of serde.
pub trait EncodeAny<T> {
    /// Writes it by serde.
    ///
    /// # Errors
    /// The value's own.
    fn write(&self, value: &T, to: &mut Writer) -> Result<(), Mismatch>;

    /// True when serde writes it as nothing.
    fn is_absent(&self, value: &T) -> bool;
}

impl<T: Serialize> EncodeAny<T> for &&Probe<T> {
    fn write(&self, value: &T, to: &mut Writer) -> Result<(), Mismatch> {
        value.serialize(to)
    }

    fn is_absent(&self, value: &T) -> bool {
        value.serialize(super::absent::Taken).is_ok()
    }
}

/// A type that reads itself.
pub trait DecodeKnown<T> {
    /// See [`Decode::decode`].
    ///
    /// # Errors
    /// Input that does not fit.
    fn read(&self, from: &mut Reader<'_>) -> Result<T, Mismatch>;

    /// See [`Decode::absent`].
    fn absent(&self) -> Option<T>;
}

impl<T: Decode> DecodeKnown<T> for &Probe<T> {
    #[inline]
    fn read(&self, from: &mut Reader<'_>) -> Result<T, Mismatch> {
        T::decode(from)
    }

    #[inline]
    fn absent(&self) -> Option<T> {
        T::absent()
    }
}

/// Any other type of serde.
pub trait DecodeAny<T> {
    /// Reads it by serde.
    ///
    /// # Errors
    /// Input that does not fit.
    fn read(&self, from: &mut Reader<'_>) -> Result<T, Mismatch>;

    /// What serde makes of nothing, if it makes anything.
    fn absent(&self) -> Option<T>;
}

impl<T: DeserializeOwned> DecodeAny<T> for &&Probe<T> {
    fn read(&self, from: &mut Reader<'_>) -> Result<T, Mismatch> {
        // The input's lifetime is one of many: an owned type can do with any.
        T::deserialize(&mut *from)
    }

    fn absent(&self) -> Option<T> {
        T::deserialize(super::absent::Missing).ok()
    }
}

/// A type that serde does not know either.
pub trait EncodeNone<T> {
    /// Never runs: the program does not compile.
    ///
    /// # Errors
    /// Always.
    fn write(&self, _value: &T, _to: &mut Writer) -> Result<(), Mismatch> {
        Err(Mismatch::new("this type cannot travel"))
    }

    /// False.
    fn is_absent(&self, _value: &T) -> bool {
        false
    }
}

impl<T> EncodeNone<T> for Probe<T> {}

/// A type that serde does not know either.
pub trait DecodeNone<T> {
    /// Never runs: the program does not compile.
    ///
    /// # Errors
    /// Always.
    fn read(&self, _from: &mut Reader<'_>) -> Result<T, Mismatch> {
        Err(Mismatch::new("this type cannot travel"))
    }

    /// None.
    fn absent(&self) -> Option<T> {
        None
    }
}

impl<T> DecodeNone<T> for Probe<T> {}

/// The type can be written.
#[inline]
pub fn writes<T: Serialize>() {}

/// The type can be read.
#[inline]
pub fn reads<T: DeserializeOwned>() {}

/// A type that may stand in the path of a topic.
pub trait SegmentKnown<T> {
    /// See [`Segment::to_segment`].
    fn to_segment<'v>(&self, value: &'v T) -> Option<Cow<'v, str>>;

    /// See [`Segment::of_segment`].
    fn of_segment(&self, text: &str) -> Option<T>;
}

impl<T: Segment> SegmentKnown<T> for Probe<T> {
    fn to_segment<'v>(&self, value: &'v T) -> Option<Cow<'v, str>> {
        value.to_segment()
    }

    fn of_segment(&self, text: &str) -> Option<T> {
        T::of_segment(text)
    }
}

/// Any other type: it has no place in a path.
pub trait SegmentAny<T> {
    /// None.
    fn to_segment<'v>(&self, _value: &'v T) -> Option<Cow<'v, str>> {
        None
    }

    /// None.
    fn of_segment(&self, _text: &str) -> Option<T> {
        None
    }
}

impl<T> SegmentAny<T> for &Probe<T> {}

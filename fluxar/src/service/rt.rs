//! What derived types stand on. Stable for `#[derive(fluxar::Type)]` only: use the public API.

pub use super::describe::{
    DescribeAny, DescribeKnown, Described, Head, Registry, Type, TypeRef, put_name, put_type,
};
pub use super::probe::{
    DecodeAny, DecodeKnown, DecodeNone, EncodeAny, EncodeKnown, EncodeNone, NoResult, Probe, reads,
    writes,
};
pub use super::probe::{SegmentAny, SegmentKnown};
pub use super::topic::{
    ANY, Segment, Topic, foreign_path, push_literal, push_segment, take_segment,
};
pub use super::{AppError, Error, Failure};
pub use crate::error::{Code, Status};
pub use crate::payload::native::{deserialize, serialize};
pub use crate::payload::{
    Bound, Decimal, Decode, Encode, Int, Limits, Mismatch, Reader, Table, Timestamp, Unknown, Url,
    Uuid, Value, Writer, decode, encode, fill, need,
};
pub use bytes;
pub use serde;

/// The value that stands for a missing field, from its CBOR in the contract.
///
/// # Errors
/// The contract gives a default that does not fit the type.
pub fn constant<T>(
    bytes: &'static [u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, Mismatch>,
) -> Result<T, Mismatch> {
    read(&mut Reader::new(bytes, false))
}

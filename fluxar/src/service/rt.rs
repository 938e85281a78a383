//! What derived types stand on. Stable for `#[derive(fluxar::Type)]` only: use the public API.

pub use super::describe::{
    DescribeAny, DescribeKnown, FieldDef, NoResult, Probe, Registry, Type, TypeBody, TypeDef,
    TypeRef, VariantDef,
};
pub use super::record::{
    Entries, Record, is_absent, or_default, read_parameters, read_record, read_unit,
};
pub use super::union::{Content, Union, read_union};
pub use super::{AppError, Error, Failure};
pub use crate::error::{Code, Status};
pub use crate::payload::{decode, encode};
pub use bytes;
pub use serde;

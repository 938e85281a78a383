//! Model → source code, one folder for each language.

pub mod idl;
pub mod rust;

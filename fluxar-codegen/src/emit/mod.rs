//! Model → source code, one folder for each language.

pub mod rust;
pub mod ts;

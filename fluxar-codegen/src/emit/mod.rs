//! Model → source code, one folder for each language.

pub mod py;
pub mod rust;

//! The contract language: source → tokens → AST, and the formatter.
//!
//! The tokens are lossless: together they are the source, comments and spaces included. The AST
//! has the place of everything in it. Parsing never fails: it reports, and gives what it
//! understood. Nothing here looks a name up; that is [`check`](crate::check).

pub mod ast;
mod format;
mod ids;
mod lexer;
mod parse;
mod token;

pub use format::format;
pub use ids::assign_ids;
pub use lexer::lex;
pub use parse::{Parsed, parse};
pub use token::{Kind, Span, Token};

/// The largest source, in bytes.
pub const SOURCE_BYTES_MAX: usize = 1 << 20;
/// How deep types and literals nest.
pub const DEPTH_MAX: usize = 32;

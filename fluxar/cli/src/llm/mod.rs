//! What `demo llm` and `up` serve: a language model over fluxar.
//!
//! `service` answers `llm.complete` and asks an OpenAI-compatible endpoint through `openai`. When
//! nobody names an endpoint, `endpoint` stands in: a small n-gram model behind the same HTTP and
//! the same server-sent events, so that one path serves both.

pub(crate) mod answer;
pub(crate) mod chat;
pub(crate) mod endpoint;
pub(crate) mod ngram;
pub(crate) mod openai;
pub(crate) mod service;
pub(crate) mod source;

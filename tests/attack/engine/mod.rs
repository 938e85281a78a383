//! Rows that one session shows: engines without a runtime, in virtual time.

mod cbor;
mod cheap;
mod endings;
mod flood;
mod frames;
mod refs;
mod stall;
mod topics;

//! One suite for every transport, and what is special about some.

mod address;
mod rig;
mod stdio;
mod suite;
mod unix;
mod ws;

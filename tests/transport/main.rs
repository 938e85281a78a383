//! One suite for every transport, and what is special about some.

mod address;
mod certs;
mod quic;
mod rig;
mod session;
mod stdio;
mod suite;
mod tls;
mod unix;
mod ws;

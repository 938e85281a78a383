//! One suite for every transport, and what is special about some.

mod address;
mod certs;
mod lossy;
mod quic;
mod rig;
mod session;
mod stdio;
mod suite;
mod tls;
mod unix;
mod work;
mod ws;

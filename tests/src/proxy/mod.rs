//! Proxies that break what passes through them: seeded, so that a run can be repeated.
//!
//! Faults are counted in bytes or datagrams and never by a clock, so that a loaded machine sees
//! the same ones.

mod tcp;
mod udp;

pub use tcp::{Fault, TcpProxy};
pub use udp::{UdpFaults, UdpProxy};

//! What contracts say, wrongly said.

use fluxar::Type;

struct Foreign;

#[derive(Type)]
struct Wrong {
    #[fluxar(range = "1..5")]
    a: u32,
    #[fluxar(len = "x..=5")]
    b: String,
    #[fluxar(format = "phone")]
    c: String,
    #[fluxar(min = 1, range = "2..=3")]
    d: u32,
    #[fluxar(default = 1 + 1)]
    e: u32,
    #[fluxar(default, default = 2)]
    f: u32,
}

#[derive(Type)]
struct Untravelled {
    foreign: Foreign,
}

#[derive(Type)]
enum Twice {
    #[fluxar(unknown)]
    A(fluxar::Unknown),
    #[fluxar(unknown)]
    B(fluxar::Unknown),
    #[fluxar(unknown)]
    C,
}

#[fluxar::topic("orders.{region}.{id}", value = u8)]
struct Orders {
    region: String,
    day: u32,
}

#[fluxar::topic("ticks")]
struct Ticks;

#[fluxar::topic("a b.c", value = u8, colour = 3)]
struct Spaces;

fn main() {}

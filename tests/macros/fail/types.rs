//! What a type that travels may not be.

#[derive(fluxar::Type)]
struct Pair(u8, u8);

#[derive(fluxar::Type)]
enum Mixed {
    Pair(u8, u8),
    #[fluxar(id = 1)]
    One,
    #[fluxar(id = 1)]
    Same,
}

#[derive(fluxar::Type)]
union Either {
    a: u8,
    b: i8,
}

#[derive(fluxar::Type)]
enum Never {}

#[derive(fluxar::Type)]
struct Borrowed<'a> {
    name: &'a str,
}

#[derive(fluxar::Type)]
struct Twice {
    #[fluxar(id = 1)]
    a: u8,
    #[fluxar(rename = "a", id = 1)]
    b: u8,
}

fn main() {}

//! An application error says how it fails.

#[derive(fluxar::Type)]
#[fluxar(error)]
enum Silent {
    NotFound,
}

#[derive(fluxar::Type)]
#[fluxar(error)]
struct AlsoSilent {
    id: u64,
}

#[derive(fluxar::Type)]
enum NoError {
    #[fluxar(code = "not_found")]
    NotFound,
}

#[derive(fluxar::Type)]
#[fluxar(error)]
enum Wrong {
    #[fluxar(code = "gone")]
    Code,
    #[fluxar(code = "internal", message = "no {name}")]
    Field { id: u64 },
    #[fluxar(code = "internal", message = "{")]
    Brace,
}

#[derive(fluxar::Type)]
#[fluxar(error, code = "internal")]
struct Generic<T>(T);

fn main() {}

//! The contracts of `idl/` as Rust, for `tests/macros`.

fn main() -> Result<(), fluxar_codegen::CompileError> {
    fluxar_codegen::compile("../idl")
}

//! Contract files in build scripts.

use crate::check;
use crate::emit::rust;
use crate::report::{self, Reports, Severity};
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Why [`compile`] gave no code. Cargo has been told the details.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompileError {
    /// The contracts are wrong: this many errors.
    Contracts(usize),
    /// A file cannot be read or written.
    Io(PathBuf, std::io::Error),
    /// Not run by cargo: this variable is missing.
    NoCargo(&'static str),
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contracts(errors) => write!(f, "{errors} errors in the contracts"),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::NoCargo(variable) => {
                write!(f, "{variable} is not set: call this from a build script")
            }
        }
    }
}

impl std::error::Error for CompileError {}

/// Compiles every contract file below a folder of the package to `OUT_DIR/<package>.rs`, for
/// `include!(concat!(env!("OUT_DIR"), "/shop.v1.rs"))`. What they import is looked for in the same
/// folder.
///
/// Files are written only when they change, cargo runs the script again only when a contract
/// changes, and errors are shown as snippets.
///
/// # Errors
/// The contracts are wrong, or a file cannot be read or written.
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     Ok(fluxar_codegen::compile("idl")?)
/// }
/// ```
pub fn compile(folder: impl AsRef<Path>) -> Result<(), CompileError> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let package = variable("CARGO_MANIFEST_DIR");
    let package = package.ok_or(CompileError::NoCargo("CARGO_MANIFEST_DIR"))?;
    let out = variable("OUT_DIR").ok_or(CompileError::NoCargo("OUT_DIR"))?;
    let root = package.join(folder);
    let mut cargo = std::io::stdout().lock();
    compile_to(&root, &out, &mut cargo)
}

/// As [`compile`], with the places and cargo's ear given.
pub(crate) fn compile_to(
    root: &Path,
    out: &Path,
    cargo: &mut impl Write,
) -> Result<(), CompileError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| CompileError::Io(path, error)
    };
    let mut tell = |line: String| writeln!(cargo, "{line}").map_err(failed(Path::new("stdout")));
    // The folder too: a new file is a change.
    tell(format!("cargo::rerun-if-changed={}", root.display()))?;
    let files = check::contract_files(root).map_err(failed(root))?;
    let loaded = check::load(&[root.to_owned()], &files);
    for file in loaded.files.iter().filter(|file| file.exists()) {
        tell(format!("cargo::rerun-if-changed={}", file.display()))?;
    }
    if loaded.reports.has_errors() {
        eprint!("{}", report::render(&loaded.reports));
        let errors = short(&loaded.reports);
        for error in &errors {
            tell(format!("cargo::error={error}"))?;
        }
        return Err(CompileError::Contracts(errors.len()));
    }
    for model in &loaded.models {
        let name = model.name.as_deref().unwrap_or("contract");
        let path = out.join(format!("{name}.rs"));
        let code = rust::contract(model);
        // What has not changed keeps its time, so that nothing is built again for it.
        if std::fs::read(&path).is_ok_and(|old| old == code.as_bytes()) {
            continue;
        }
        std::fs::write(&path, code).map_err(failed(&path))?;
    }
    Ok(())
}

/// The errors, a line each.
fn short(reports: &Reports) -> Vec<String> {
    let errors = reports.list.iter().filter(|report| report.rule.severity == Severity::Error);
    let line = |report: &report::Report| {
        let source = report.place.and_then(|place| reports.sources.get(place.source));
        let name = source.map_or("contract", |source| source.name.as_str());
        let text = format!("{name}: [{}] {}", report.rule.id, report.message);
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    };
    errors.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::{CompileError, compile_to};
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let place = std::env::temp_dir().join(format!("fluxar-{}-{name}", std::process::id()));
        let _none = std::fs::remove_dir_all(&place);
        std::fs::create_dir_all(place.join("idl")).unwrap();
        std::fs::create_dir_all(place.join("out")).unwrap();
        place
    }

    #[test]
    fn code_is_written_once_and_files_are_watched() {
        let place = folder("once");
        let file = place.join("idl/a.fluxar");
        std::fs::write(&file, "package a.v1\nrecord A { 1 x: u8 }\n").unwrap();
        let (idl, out) = (place.join("idl"), place.join("out"));
        let mut told = Vec::new();
        compile_to(&idl, &out, &mut told).unwrap();
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains(&format!("cargo::rerun-if-changed={}", file.display())), "{told}");
        let code = out.join("a.v1.rs");
        assert!(std::fs::read_to_string(&code).unwrap().contains("pub struct A"));
        let time = || std::fs::metadata(&code).unwrap().modified().unwrap();
        let before = time();
        compile_to(&idl, &out, &mut Vec::new()).unwrap();
        assert_eq!(time(), before);
        std::fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn errors_are_told_to_cargo() {
        let place = folder("errors");
        let text = "package a.v1\nrecord A { 1 x: Nothing, 1 y: Less }\n";
        std::fs::write(place.join("idl/a.fluxar"), text).unwrap();
        let mut told = Vec::new();
        let failed = compile_to(&place.join("idl"), &place.join("out"), &mut told).unwrap_err();
        assert!(matches!(failed, CompileError::Contracts(errors) if errors >= 2), "{failed}");
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains("cargo::error=") && told.contains("Nothing"), "{told}");
        std::fs::remove_dir_all(place).unwrap();
    }
}

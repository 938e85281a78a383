use super::{generate, runtime};
use crate::check;
use crate::model::{Model, Package};
use std::collections::BTreeSet;
use std::path::Path;

/// The contract with every construct that `tests/clients/py-gen` runs.
fn sample() -> Model {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = root.join("tests/clients/py-gen");
    let mut loaded = check::load(&[folder.clone()], &[folder.join("sample.fluxar")]);
    loaded.models.pop().unwrap_or_else(|| panic!("{:?}", loaded.reports))
}

fn module() -> String {
    let files = generate(&sample());
    files.into_iter().find(|(path, _)| path == "shop_v1.py").expect("a module a package").1
}

#[test]
fn all_files_of_the_runtime_are_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes/py/fluxar_rt");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".py") || name == "py.typed")
        .collect();
    let written = runtime::FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, written);
}

#[test]
fn the_same_model_gives_the_same_text() {
    assert_eq!(module(), module());
}

#[test]
fn documentation_does_not_leave_its_string() {
    let text = module();
    assert!(text.contains(r#""""Does \"\"\"it\"\"\" \\ well.""""#), "{text}");
}

#[test]
fn only_what_is_used_is_imported() {
    let package = Package::empty(Some("empty".to_owned()));
    let files = generate(&package);
    let text = &files.iter().find(|(path, _)| path == "empty.py").unwrap().1;
    assert!(!text.contains("_enum") && !text.contains("_UUID"), "{text}");
}

#[test]
fn required_parameters_behind_optional_ones_are_named() {
    let text = module();
    let wanted = "async def list(self, *, page: Defaulted = Defaulted(), timeout_: int, timeout:";
    assert!(text.contains(wanted), "{text}");
}

use super::{generate, runtime};
use crate::check;
use crate::model::{Model, Package};
use std::collections::BTreeSet;
use std::path::Path;

/// The contract with every construct that `tests/clients/py-gen` runs.
fn sample() -> Model {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = root.join("tests/clients/py-gen");
    let mut loaded = check::load(std::slice::from_ref(&folder), &[folder.join("sample.fluxar")]);
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

/// The text of the module of a contract.
fn module_of(source: &str) -> String {
    let loaded = check::compile_sources(&[("test.fluxar", source)]);
    let name = format!("{}.py", super::module_name(&loaded.models[0]));
    let files = generate(&loaded.models[0]);
    files.into_iter().find(|(path, _)| *path == name).expect("a module a package").1
}

#[test]
fn an_error_that_is_a_newtype_says_what_it_declares() {
    let said = module_of(
        "@status(.not_found) @message(\"no user {0}\") newtype Gone: string\n\
         /// Too late.\n@status(.aborted) newtype Late: u8\n",
    );
    assert!(
        said.contains("super().__init__(_Code.NOT_FOUND, \"no user \" + str(value))"),
        "{said}"
    );
    assert!(said.contains("super().__init__(_Code.ABORTED, \"Too late\")"), "{said}");
    assert!(said.contains("def __init__(self, value: str) -> None:"), "{said}");
}

#[test]
fn a_parameter_named_as_the_sink_is_not_there_twice() {
    let text = "service S { f(out: u8) -> stream u8 then u8 }";
    let written = check::compile_sources(&[("test.fluxar", text)]).models.remove(0);
    let read = Model::from_descriptor(&written.descriptor()).unwrap();
    for model in [written, read] {
        let files = generate(&model);
        let said = &files.iter().find(|(path, _)| path == "contract.py").unwrap().1;
        let wanted = "def f(self, ctx: _Context, out: int, out_: _m.Sink[int], /) -> int:";
        assert!(said.contains(wanted), "{said}");
    }
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

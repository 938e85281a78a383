//! Imports: what they bring, and what they must not reach.

use crate::check::{Loaded, compile_sources, contract_files, load};
use crate::model::{Scalar, TypeRef};
use crate::report::render;
use std::path::{Path, PathBuf};

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fluxar-idl-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn load_in(folder: &Path, file: &Path) -> Loaded {
    load(&[folder.to_owned()], &[file.to_owned()])
}

#[test]
fn packages_are_found_by_folder_and_by_dotted_name() {
    let folder = Folder::new("found");
    folder.write("common/v1.fluxar", "package common.v1\nrecord Money { 1 amount: int }");
    folder.write(
        "people.v1.fluxar",
        "package people.v1\nuse common.v1 { Money }\nrecord User { 1 wallet: Money }",
    );
    let shop = folder.write(
        "shop/v1.fluxar",
        "package shop.v1\nuse people.v1 as people\nuse common.v1\nrecord Money {}\n\
         record Order { 1 by: people.User, 2 price: v1.Money, 3 own: Money, 4 full: common.v1.Money }",
    );
    let found = load_in(&folder.0, &shop);
    assert!(found.reports.list.is_empty(), "{}", render(&found.reports));
    let [model] = &found.models[..] else { panic!("one model") };
    let names: Vec<&str> = model.types.iter().map(|def| def.name.source.as_str()).collect();
    assert_eq!(names, ["Money", "Order", "User", "CommonV1Money"]);
    assert_eq!(found.files.len(), 4, "read, and looked for in vain: {:?}", found.files);
    assert_eq!(contract_files(&folder.0).unwrap().len(), 3);
}

#[test]
fn a_package_may_be_in_several_files_and_instances_carry_their_arguments() {
    let found = compile_sources(&[
        ("a", "package a.v1\nrecord A { 1 b: B }"),
        ("b", "package a.v1\nuse fluxar.std { Page }\nrecord B { 1 page: Page<[int]> }"),
    ]);
    let [model] = &found.models[..] else { panic!("{}", render(&found.reports)) };
    let page = model.type_named("PageListInt").unwrap();
    let crate::model::Body::Record(fields) = &page.body else { panic!("a record") };
    let item = TypeRef::List(Box::new(TypeRef::Scalar(Scalar::Int)));
    assert_eq!(fields[0].ty, TypeRef::List(Box::new(item)));
}

#[test]
fn errors_and_services_keep_the_package_they_come_from() {
    let found = compile_sources(&[
        ("a", "package a.v1\nerror Oops { 1 no @status(.aborted) }\nservice Calls { f() ! Oops }"),
        ("b", "package b.v1\nuse a.v1 { Calls }\ncontract C { server: Calls }"),
    ]);
    assert!(found.reports.list.is_empty(), "{}", render(&found.reports));
    let b = &found.models[1];
    assert_eq!(b.services[0].target(&b.services[0].methods[0]), "a.v1.calls.f");
    assert_eq!(b.type_named("Oops").unwrap().name.wire, "a.v1.Oops");
}

#[test]
fn paths_that_leave_the_roots_are_no_imports() {
    // `[IDL.import.1]`, attack row 39: forty ways to name a file elsewhere. None is even looked for.
    let folder = Folder::new("outside");
    folder.write("secret.fluxar", "package secret\nrecord A {}");
    let root = folder.0.join("root");
    std::fs::create_dir_all(&root).unwrap();
    let climbs = ["..", "../secret", "../../secret", "..secret", "....", "./secret", "/etc/passwd"];
    let odd = ["~", "$HOME", "C:\\secret", "\\\\host\\share", "file:///secret", "a/../../secret"];
    let encoded =
        ["%2e%2e%2fsecret", "a%00b", "\u{0}secret", "\u{202e}terces", "ｓecret", "a\\..\\b"];
    let mut tried = 0;
    for path in climbs.iter().chain(&odd).chain(&encoded) {
        for form in [format!("use {path}\nrecord B {{}}"), format!("use a.{path} {{ A }}")] {
            let file = root.join("main.fluxar");
            std::fs::write(&file, &form).unwrap();
            let found = load_in(&root, &file);
            assert!(found.reports.has_errors(), "{form}");
            assert!(found.models.is_empty(), "{form}");
            for read in &found.files {
                assert!(read.starts_with(&root), "{form}: {}", read.display());
                assert!(!read.to_str().unwrap().contains(".."), "{form}: {}", read.display());
            }
            tried += 1;
        }
    }
    assert!(tried >= 38, "{tried}");
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_of_the_root_are_refused() {
    let folder = Folder::new("links");
    let secret = folder.write("secret/v1.fluxar", "package secret.v1\nrecord A {}");
    let root = folder.0.join("root");
    std::fs::create_dir_all(&root).unwrap();
    std::os::unix::fs::symlink(&secret, root.join("secret.v1.fluxar")).unwrap();
    std::os::unix::fs::symlink(folder.0.join("secret"), root.join("secret")).unwrap();
    let main = root.join("main.fluxar");
    std::fs::write(&main, "package main.v1\nuse secret.v1 { A }\nrecord B { 1 a: A }").unwrap();
    let found = load_in(&root, &main);
    let ids = found.reports.ids();
    assert!(ids.contains(&"import-outside") && found.models.is_empty(), "{ids:?}");
}

#[test]
fn what_is_wrong_with_files_is_said() {
    let folder = Folder::new("wrong");
    folder.write("a/v1.fluxar", "package b.v1");
    let main = folder.write("main.fluxar", "package main.v1\nuse a.v1\n");
    assert_eq!(load_in(&folder.0, &main).reports.ids(), ["mixed-packages"]);
    let binary = folder.0.join("binary.fluxar");
    std::fs::write(&binary, [0xff, 0xfe, 0x00]).unwrap();
    assert_eq!(load_in(&folder.0, &binary).reports.ids(), ["not-text"]);
    let missing = load_in(&folder.0, &folder.0.join("nowhere.fluxar"));
    assert_eq!(missing.reports.ids(), ["file-missing"]);
    let fix = &missing.reports.list[0].fix;
    assert!(fix.contains("that exists") && !fix.contains("package"), "{fix}");
    let circle = compile_sources(&[
        ("a", "package a.v1\nuse b.v1\nrecord A {}"),
        ("b", "package b.v1\nuse a.v1\nrecord B {}"),
    ]);
    assert_eq!(circle.reports.ids(), ["import-cycle", "import-cycle"]);
    let long = "//".repeat(crate::syntax::SOURCE_BYTES_MAX);
    assert_eq!(compile_sources(&[("long", &long)]).reports.ids(), ["too-large"]);
}

//! Whether traits in Rust still say what a contract file says.

use crate::check;
use crate::emit::idl;
use crate::model::{Model, Package};
use std::fmt::Write;
use std::path::Path;

/// The variable that has the file rewritten instead.
const BLESS: &str = "FLUXAR_BLESS";

/// Fails the test when services, by their descriptor, are not what the file says. What
/// `fluxar::assert_idl!` stands on.
///
/// Documentation does not count, and numbers that Rust does not give are those of the file. With
/// `FLUXAR_BLESS=1` a file that differs is rewritten from the traits.
///
/// # Panics
/// They differ, or the file is no contract. The message is the difference.
pub fn assert_contract(path: &str, descriptor: &[u8]) {
    if let Err(problem) = compare(Path::new(path), descriptor, std::env::var_os(BLESS).is_some()) {
        panic!("{problem}");
    }
}

pub(crate) fn compare(path: &Path, descriptor: &[u8], blesses: bool) -> Result<(), String> {
    let described = Model::from_descriptor(descriptor).map_err(|error| error.to_string())?;
    let root = path.parent().unwrap_or_else(|| Path::new(".")).to_owned();
    let loaded = check::load(&[root], &[path.to_owned()]);
    let file = match loaded.models.into_iter().next() {
        Some(model) => model,
        None if blesses && !path.exists() => Package::empty(described.name.clone()),
        None => return Err(crate::report::render(&loaded.reports)),
    };
    let wanted = part_of(&file, &described);
    let mut found = described;
    found.number_like(&wanted);
    let (old, new) = (idl::print(&bare(wanted)), idl::print(&bare(found.clone())));
    if old == new {
        return Ok(());
    }
    if blesses {
        let text = idl::print(&merged(file, found));
        return std::fs::write(path, text).map_err(|error| error.to_string());
    }
    let path = path.display();
    let lines = difference(&old, &new);
    Err(format!(
        "the trait and {path} differ (- the file, + the trait; {BLESS}=1 rewrites the file):\n{lines}"
    ))
}

/// The file with what is described in place of what it had; the rest stays.
fn merged(mut file: Model, found: Model) -> Model {
    for def in found.types {
        match file.types.iter_mut().find(|old| old.name.source == def.name.source) {
            Some(old) => *old = def,
            None => file.types.push(def),
        }
    }
    for service in found.services {
        match file.services.iter_mut().find(|old| old.name.source == service.name.source) {
            Some(old) => *old = service,
            None => file.services.push(service),
        }
    }
    file
}

/// The services that are described, as the file has them, with the types that they need.
fn part_of(file: &Model, described: &Model) -> Model {
    let mut part = file.clone();
    part.services.retain(|service| described.service_named(&service.name.source).is_some());
    part.topics.retain(|topic| described.topics.iter().any(|t| t.name.source == topic.name.source));
    part.contracts.clear();
    part.declared.clear();
    part.drop_unused_types(&[]);
    part
}

/// Without what does not count: documentation, and the order of the source.
fn bare(model: Model) -> Model {
    let bytes = model.bare_descriptor();
    let mut bare = Model::from_descriptor(&bytes).unwrap_or(model);
    bare.level = None;
    bare.annotations.clear();
    bare
}

/// The lines of both, with those that only one has marked.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // The longest common subsequence from each place on.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = match old[i] == new[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let mut lines = String::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let same = i < old.len() && j < new.len() && old[i] == new[j];
        let removes = j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]);
        let (mark, line) = match (same, removes) {
            (true, _) => (' ', old[i]),
            (false, true) => ('-', old[i]),
            (false, false) => ('+', new[j]),
        };
        i += usize::from(same || removes);
        j += usize::from(same || !removes);
        // Writing to a string does not fail.
        let _written = writeln!(lines, "{mark} {line}");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::compare;
    use crate::check::compile_sources;

    const FILE: &str = "fluxar 1\n\npackage a.v1\n\n/// Kept.\nrecord A { 1 x: u8, 2 y: string? }\n\n\
                        service S { get(id: u32) -> A }\n\nservice Other { ping() }\n";

    fn descriptor(text: &str) -> Vec<u8> {
        let mut models = compile_sources(&[("a.fluxar", text)]).models;
        let mut model = models.remove(0);
        model.services.retain(|service| service.name.source == "S");
        model.descriptor()
    }

    #[test]
    fn a_difference_is_shown_by_lines_and_can_be_blessed() {
        let place = std::env::temp_dir().join(format!("fluxar-assert-{}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        let path = place.join("a.fluxar");
        std::fs::write(&path, FILE).unwrap();
        assert_eq!(compare(&path, &descriptor(FILE), false), Ok(()));
        let changed = descriptor(&FILE.replace("id: u32", "id: u64").replace("/// Kept.\n", ""));
        let shown = compare(&path, &changed, false).unwrap_err();
        assert!(
            shown.contains("-   get(id: u32)") && shown.contains("+   get(id: u64)"),
            "{shown}"
        );
        assert!(!shown.contains("Kept") && shown.contains("FLUXAR_BLESS=1"), "{shown}");
        assert_eq!(compare(&path, &changed, true), Ok(()));
        assert_eq!(compare(&path, &changed, false), Ok(()));
        assert!(std::fs::read_to_string(&path).unwrap().contains("service Other"));
        std::fs::remove_dir_all(place).unwrap();
    }
}

//! Files and what they import → the world. Imports stay under the roots.

use super::world::World;
use super::{FILES_MAX, std_package};
use crate::report::{Place, Reports, Source};
use crate::syntax::ast::File;
use crate::syntax::{SOURCE_BYTES_MAX, Span, parse};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The ending of contract files.
const ENDING: &str = "fluxar";
/// How deep folders of contracts nest.
const FOLDERS_MAX: usize = 16;

/// The world of a run.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) world: World,
    pub(super) reports: Reports,
    /// Packages that the caller wants models of.
    pub(super) asked: Vec<usize>,
    pub(super) files: Vec<PathBuf>,
}

pub(super) fn from_memory(sources: &[(&str, &str)]) -> Read {
    let mut read = Read::default();
    for (name, text) in sources {
        read.ask(name, text);
    }
    read.import(&mut |_, _| None);
    read
}

pub(super) fn from_disk(roots: &[PathBuf], files: &[PathBuf]) -> Read {
    let mut read = Read::default();
    for path in files {
        let name = path.display().to_string();
        read.files.push(path.clone());
        match text_of(path) {
            Ok(text) => read.ask(&name, &text),
            Err(why) => {
                let rule = if why == NOT_TEXT { "not-text" } else { "file-missing" };
                read.reports.add_nowhere(rule, format!("{name}: {why}"));
            }
        }
    }
    read.import(&mut |read, package| under_roots(read, roots, package));
    read
}

const NOT_TEXT: &str = "the file is not UTF-8";

fn text_of(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    // One byte more than may be: the parser then says that it is too long.
    let limit = u64::try_from(SOURCE_BYTES_MAX + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    match bytes.len() > SOURCE_BYTES_MAX {
        true => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        false => String::from_utf8(bytes).map_err(|_| NOT_TEXT.to_owned()),
    }
}

/// The file of a package. Its name has only letters, digits and `_` between dots, so that the path
/// cannot leave the root; a link could, and is refused.
fn under_roots(read: &mut Read, roots: &[PathBuf], package: &str) -> Option<(String, String)> {
    let folders = format!("{}.{ENDING}", package.replace('.', "/"));
    for root in roots {
        for name in [&folders, &format!("{package}.{ENDING}")] {
            let path = root.join(name);
            read.files.push(path.clone());
            let (Ok(real), Ok(real_root)) = (path.canonicalize(), root.canonicalize()) else {
                continue;
            };
            if !real.starts_with(&real_root) {
                let message = format!("{} leads out of {}", path.display(), root.display());
                read.reports.add_nowhere("import-outside", message);
                continue;
            }
            match text_of(&real) {
                Ok(text) => return Some((path.display().to_string(), text)),
                Err(why) => {
                    let message = format!("{}: {why}", path.display());
                    read.reports.add_nowhere("import-missing", message);
                }
            }
        }
    }
    None
}

type Finder<'f> = dyn FnMut(&mut Read, &str) -> Option<(String, String)> + 'f;

impl Read {
    fn parse(&mut self, name: &str, text: &str) -> (File, usize) {
        let source = self.reports.sources.len();
        self.reports.sources.push(Source { name: name.to_owned(), text: text.to_owned() });
        let parsed = parse(text, source, &mut self.reports);
        (parsed.file, source)
    }

    fn ask(&mut self, name: &str, text: &str) {
        if self.world.units.len() >= FILES_MAX {
            let message = format!("there are more than {FILES_MAX} files");
            self.reports.add_nowhere("too-large", message);
            return;
        }
        let (file, source) = self.parse(name, text);
        let package = self.world.add(file, source, &mut self.reports);
        if !self.asked.contains(&package) {
            self.asked.push(package);
        }
    }

    /// Adds what is imported until nothing is missing.
    fn import(&mut self, find: &mut Finder<'_>) {
        let mut unit = 0;
        while unit < self.world.units.len() {
            let wanted: Vec<(String, Span)> = self.world.units[unit]
                .file
                .uses
                .iter()
                .map(|import| (import.path.text(), import.path.span))
                .collect();
            for (package, span) in wanted {
                let place = self.world.place(unit, span);
                if self.world.package_named(&package).is_none() {
                    self.import_one(&package, place, find);
                }
            }
            unit += 1;
        }
        for unit in 0..self.world.units.len() {
            self.world.check_imports(unit, &mut self.reports);
            self.check_cycle(unit);
        }
    }

    fn import_one(&mut self, package: &str, place: Place, find: &mut Finder<'_>) {
        let found = match package {
            std_package::NAME => Some((package.to_owned(), std_package::SOURCE.to_owned())),
            _ => find(self, package),
        };
        let Some((name, text)) = found else {
            let message = format!("there is no package `{package}` under the roots");
            return self.reports.add("import-missing", place, message);
        };
        if self.world.units.len() >= FILES_MAX {
            let message = format!("there are more than {FILES_MAX} files");
            return self.reports.add("too-large", place, message);
        }
        let (file, source) = self.parse(&name, &text);
        let is_it = file.package.as_ref().is_some_and(|found| found.path.text() == package);
        if !is_it {
            let message = format!("{name} does not say `package {package}`");
            return self.reports.add("mixed-packages", place, message);
        }
        self.world.add(file, source, &mut self.reports);
    }

    /// Reports an import that leads back to its own package.
    fn check_cycle(&mut self, unit: usize) {
        let own = self.world.units[unit].package;
        let targets = |package: usize| -> Vec<usize> {
            let units = self.world.packages[package].units.iter();
            units
                .flat_map(|unit| &self.world.units[*unit].file.uses)
                .filter_map(|import| self.world.package_named(&import.path.text()))
                .collect()
        };
        let mut cyclic = None;
        for import in &self.world.units[unit].file.uses {
            let Some(first) = self.world.package_named(&import.path.text()) else { continue };
            let mut seen = vec![first];
            let mut at = 0;
            while at < seen.len() {
                let next = targets(seen[at]);
                seen.extend(next.into_iter().filter(|p| !seen.contains(p)).collect::<Vec<_>>());
                at += 1;
            }
            if seen.contains(&own) {
                cyclic = Some(import.path.clone());
            }
        }
        if let Some(path) = cyclic {
            let message = format!("`{}` imports this package in turn", path.text());
            self.reports.add("import-cycle", self.world.place(unit, path.span), message);
        }
    }
}

pub(super) fn contract_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(folder, 0, &mut files)?;
    files.sort();
    Ok(files)
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if depth > FOLDERS_MAX {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            walk(&path, depth + 1, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|ending| ending == ENDING) {
            files.push(path);
        }
    }
    Ok(())
}

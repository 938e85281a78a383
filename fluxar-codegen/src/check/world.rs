//! All files of a run, and what names mean in each.

use super::std_package;
use crate::report::{Place, Reports};
use crate::syntax::Span;
use crate::syntax::ast::{File, Ident, Item, Path, Taken};
use std::collections::HashMap;

/// A file.
#[derive(Debug)]
pub(super) struct Unit {
    /// Its index among the sources of the reports.
    pub(super) source: usize,
    /// The index of its package.
    pub(super) package: usize,
    pub(super) file: File,
}

/// A package: one file or several.
#[derive(Debug)]
pub(super) struct PackageScope {
    /// Nothing for a file that names none.
    pub(super) name: Option<String>,
    pub(super) units: Vec<usize>,
    /// Unit and item of each name.
    items: HashMap<String, Symbol>,
}

/// An item of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Symbol {
    pub(super) unit: usize,
    pub(super) item: usize,
}

/// All files of a run.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) units: Vec<Unit>,
    pub(super) packages: Vec<PackageScope>,
}

impl World {
    /// Adds a file. Names that its package has already are reported.
    pub(super) fn add(&mut self, file: File, source: usize, reports: &mut Reports) -> usize {
        let name = file.package.as_ref().map(|package| package.path.text());
        // Files without a package do not belong together.
        let known = self.packages.iter().position(|p| p.name.is_some() && p.name == name);
        let package = known.unwrap_or_else(|| {
            self.packages.push(PackageScope { name, units: Vec::new(), items: HashMap::new() });
            self.packages.len() - 1
        });
        let unit = self.units.len();
        let scope = &mut self.packages[package];
        scope.units.push(unit);
        for (item, declared) in file.items.iter().enumerate() {
            let symbol = Symbol { unit, item };
            let place = Place { source, span: declared.name.span };
            match scope.items.get(&declared.name.text) {
                None => {
                    scope.items.insert(declared.name.text.clone(), symbol);
                }
                Some(first) => {
                    let message = format!("`{}` is declared twice", declared.name.text);
                    // The first may be in this file, which is not among the units yet.
                    let (file, source) = match self.units.get(first.unit) {
                        Some(other) => (&other.file, other.source),
                        None => (&file, source),
                    };
                    let span = file.items[first.item].name.span;
                    let other = (Place { source, span }, "first here");
                    reports.add_pair("duplicate-name", place, message, other);
                }
            }
        }
        self.units.push(Unit { source, package, file });
        package
    }

    pub(super) fn item(&self, symbol: Symbol) -> &Item {
        &self.units[symbol.unit].file.items[symbol.item]
    }

    pub(super) fn place(&self, unit: usize, span: Span) -> Place {
        Place { source: self.units[unit].source, span }
    }

    pub(super) fn package_named(&self, name: &str) -> Option<usize> {
        self.packages.iter().position(|package| package.name.as_deref() == Some(name))
    }

    /// The name of the package of a unit.
    pub(super) fn package_of(&self, unit: usize) -> Option<&str> {
        self.packages[self.units[unit].package].name.as_deref()
    }

    fn in_package(&self, package: usize, name: &str) -> Option<Symbol> {
        self.packages[package].items.get(name).copied()
    }

    /// True for the symbol that stands for its name: not for a second one.
    pub(super) fn is_first(&self, symbol: Symbol) -> bool {
        let package = self.units[symbol.unit].package;
        self.in_package(package, &self.item(symbol).name.text) == Some(symbol)
    }

    /// What a path means in a file.
    pub(super) fn lookup(&self, unit: usize, path: &Path) -> Option<Symbol> {
        let (name, before) = path.segments.split_last()?;
        if before.is_empty() {
            let own = self.in_package(self.units[unit].package, &name.text);
            return own.or_else(|| self.imported(unit, name));
        }
        let before: Vec<&str> = before.iter().map(|segment| segment.text.as_str()).collect();
        let before = before.join(".");
        let import = self.units[unit].file.uses.iter().find(|import| match &import.what {
            Taken::As(alias) => alias.text == before,
            Taken::Package => {
                let last = import.path.segments.last();
                import.path.text() == before || last.is_some_and(|last| last.text == before)
            }
            Taken::Names(_) => import.path.text() == before,
        })?;
        self.in_package(self.package_named(&import.path.text())?, &name.text)
    }

    fn imported(&self, unit: usize, name: &Ident) -> Option<Symbol> {
        let mut uses = self.units[unit].file.uses.iter();
        let import = uses.find(|import| match &import.what {
            Taken::Names(names) => names.iter().any(|taken| taken.text == name.text),
            _ => false,
        })?;
        self.in_package(self.package_named(&import.path.text())?, &name.text)
    }

    /// Names that are imported and not there, or there twice.
    pub(super) fn check_imports(&self, unit: usize, reports: &mut Reports) {
        let own = self.units[unit].package;
        let mut taken: HashMap<&str, Span> = HashMap::new();
        for import in &self.units[unit].file.uses {
            let Some(package) = self.package_named(&import.path.text()) else { continue };
            let Taken::Names(names) = &import.what else { continue };
            for name in names {
                let place = self.place(unit, name.span);
                if self.in_package(package, &name.text).is_none() {
                    let message = format!("`{}` has no `{}`", import.path.text(), name.text);
                    reports.add("import-name", place, message);
                }
                if self.in_package(own, &name.text).is_some() {
                    let message = format!("`{}` is declared here as well", name.text);
                    reports.add("duplicate-name", place, message);
                }
                if let Some(first) = taken.insert(&name.text, name.span) {
                    let message = format!("`{}` is imported twice", name.text);
                    let other = (self.place(unit, first), "first here");
                    reports.add_pair("duplicate-name", place, message, other);
                }
            }
        }
    }

    /// True for what comes with fluxar.
    pub(super) fn is_std(&self, package: usize) -> bool {
        self.packages[package].name.as_deref() == Some(std_package::NAME)
    }
}

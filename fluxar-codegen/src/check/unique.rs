//! Names and numbers that may stand once within a type, a service or a package.

use super::build::Builder;
use crate::front::{pascal_case, snake_case};
use crate::model::{Contract, Name, Retired};
use crate::report::Place;
use crate::syntax::ast::{Ident, Int};
use std::collections::{BTreeMap, HashMap};

/// The largest number of a field, member or variant.
pub(super) const ID_MAX: u64 = 65_535;

/// What is taken, and where.
#[derive(Debug, Default)]
pub(super) struct Taken {
    ids: BTreeMap<u32, Place>,
    names: HashMap<String, Place>,
    /// By how target languages spell names.
    spelled: HashMap<String, (String, Place)>,
}

impl Builder<'_> {
    /// The number of a member.
    pub(super) fn number(&mut self, id: Option<Int>, name: &Ident, unit: usize) -> Option<u32> {
        let Some(id) = id else {
            let message = format!("`{}` has no number", name.text);
            self.reports.add("id-missing", self.at(unit, name.span), message);
            return None;
        };
        if !(1..=ID_MAX).contains(&id.value) {
            let message = format!("{} is no number of a field, member or variant", id.value);
            self.reports.add("id-range", self.at(unit, id.span), message);
            return None;
        }
        u32::try_from(id.value).ok()
    }

    /// Takes the number of a member.
    pub(super) fn take_id(&mut self, taken: &mut Taken, id: Option<u32>, place: Place) {
        let Some(id) = id else { return };
        if let Some(first) = taken.ids.insert(id, place) {
            let message = format!("the number {id} stands for two things");
            self.reports.add_pair("id-duplicate", place, message, (first, "first here"));
        }
    }

    /// Takes a name: on the wire, and as Rust, TypeScript and Python will spell it.
    pub(super) fn take_name(
        &mut self,
        taken: &mut Taken,
        name: &Name,
        was: &[String],
        place: Place,
    ) {
        for wire in std::iter::once(&name.wire).chain(was) {
            if let Some(first) = taken.names.insert(wire.clone(), place) {
                let message = format!("the name `{wire}` stands for two things");
                self.reports.add_pair("duplicate-name", place, message, (first, "first here"));
                return;
            }
        }
        self.take_spelling(taken, &name.source, place);
    }

    /// Takes a name as target languages will spell it.
    pub(super) fn take_spelling(&mut self, taken: &mut Taken, name: &str, place: Place) {
        for spelled in spellings(name) {
            match taken.spelled.get(&spelled) {
                Some((other, first)) if other != name => {
                    let message = format!("`{name}` and `{other}` both become `{spelled}`");
                    let other = (*first, "the other one");
                    self.reports.add_pair("name-collision", place, message, other);
                    return;
                }
                _ => {
                    taken.spelled.insert(spelled, (name.to_owned(), place));
                }
            }
        }
    }

    /// That nothing retired is used, and nothing retired twice.
    pub(super) fn check_retired(&mut self, taken: &Taken, retired: &[(Retired<Contract>, Place)]) {
        // The last number and the place of each range, by its first number: none overlap.
        let mut ranges: BTreeMap<u32, (u32, Place)> = BTreeMap::new();
        let mut names: HashMap<&str, Place> = HashMap::new();
        for (gone, place) in retired {
            if let Some((id, used)) = taken.ids.range(gone.ids.clone()).next() {
                let message = format!("the number {id} is retired");
                self.reports.add_pair("id-retired", *used, message, (*place, "retired here"));
            }
            let (first, last) = (*gone.ids.start(), *gone.ids.end());
            let mut before = None;
            match ranges.range(..=last).next_back() {
                Some((_, (end, at))) if *end >= first => before = Some(*at),
                _ => drop(ranges.insert(first, (last, *place))),
            }
            if let Some(name) = &gone.name {
                if let Some(used) = taken.names.get(name) {
                    let message = format!("the name `{name}` is retired");
                    self.reports.add_pair("id-retired", *used, message, (*place, "retired here"));
                }
                before = before.or_else(|| names.get(name.as_str()).copied());
                names.entry(name).or_insert(*place);
            }
            if let Some(first) = before {
                let message = "this is retired already".to_owned();
                self.reports.add_pair("id-retired", *place, message, (first, "first here"));
            }
        }
    }
}

/// A name as members, variants and types are spelled in the target languages.
fn spellings(name: &str) -> [String; 3] {
    let snake = snake_case(name);
    let pascal = pascal_case(&snake);
    let mut letters = pascal.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    let camel = first.into_iter().chain(letters).collect();
    [snake, pascal, camel]
}

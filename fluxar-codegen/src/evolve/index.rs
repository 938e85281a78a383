//! What a package has, by number and by name. A descriptor comes from the network and may have very
//! many of anything: nothing here is found by looking through all of it.

use crate::model::{Contract, Field, Package, Retired, Service, TypeDef, Variant};
use std::collections::{HashMap, HashSet};

/// Fields or variants by number and by name on the wire; the first of each counts.
pub(super) struct Members<'m, T> {
    by_id: HashMap<u32, &'m T>,
    by_wire: HashMap<&'m str, &'m T>,
}

/// What has a number and a name.
pub(super) trait Member {
    fn id(&self) -> Option<u32>;
    fn wire(&self) -> &str;
}

impl Member for Field<Contract> {
    fn id(&self) -> Option<u32> {
        self.id
    }

    fn wire(&self) -> &str {
        &self.name.wire
    }
}

impl Member for Variant<Contract> {
    fn id(&self) -> Option<u32> {
        self.id
    }

    fn wire(&self) -> &str {
        &self.name.wire
    }
}

impl<'m, T: Member> Members<'m, T> {
    pub(super) fn new(all: &'m [T]) -> Self {
        let mut members = Self { by_id: HashMap::new(), by_wire: HashMap::new() };
        for member in all {
            if let Some(id) = member.id() {
                members.by_id.entry(id).or_insert(member);
            }
            members.by_wire.entry(member.wire()).or_insert(member);
        }
        members
    }

    /// The one with the number of this one.
    pub(super) fn same_id(&self, of: &T) -> Option<&'m T> {
        of.id().and_then(|id| self.by_id.get(&id).copied())
    }

    /// The one with the name of this one.
    pub(super) fn same_wire(&self, of: &T) -> Option<&'m T> {
        self.by_wire.get(of.wire()).copied()
    }
}

/// Numbers and names that are retired.
pub(super) struct Gone<'m> {
    /// First and last numbers, rising; none overlap.
    ranges: Vec<(u32, u32)>,
    names: HashSet<&'m str>,
}

impl<'m> Gone<'m> {
    pub(super) fn new(retired: &'m [Retired<Contract>]) -> Self {
        let mut all: Vec<(u32, u32)> =
            retired.iter().map(|entry| (*entry.ids.start(), *entry.ids.end())).collect();
        all.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for (first, last) in all {
            match ranges.last_mut() {
                Some((_, end)) if first <= *end => *end = last.max(*end),
                _ => ranges.push((first, last)),
            }
        }
        let names = retired.iter().filter_map(|entry| entry.name.as_deref()).collect();
        Self { ranges, names }
    }

    pub(super) fn has_id(&self, id: Option<u32>) -> bool {
        id.is_some_and(|id| {
            let after = self.ranges.partition_point(|(first, _)| *first <= id);
            after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|r| id <= r.1)
        })
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

/// Types by name.
pub(super) struct Types<'p>(HashMap<&'p str, &'p TypeDef<Contract>>);

impl<'p> Types<'p> {
    pub(super) fn of(package: &'p Package<Contract>) -> Self {
        let mut types = HashMap::new();
        for def in &package.types {
            types.entry(def.name.source.as_str()).or_insert(def);
        }
        Self(types)
    }

    pub(super) fn named(&self, name: &str) -> Option<&'p TypeDef<Contract>> {
        self.0.get(name).copied()
    }
}

/// Services by where they are called, and who offers them.
pub(super) struct Services<'p> {
    by_target: HashMap<(Option<&'p str>, &'p str), &'p Service<Contract>>,
    of_client: HashSet<&'p str>,
}

impl<'p> Services<'p> {
    pub(super) fn of(package: &'p Package<Contract>) -> Self {
        let mut by_target = HashMap::new();
        for service in &package.services {
            by_target.entry(target(service)).or_insert(service);
        }
        Self { by_target, of_client: package.services_of_client() }
    }

    /// The same service here. One of another package has other targets: it is another one.
    pub(super) fn counterpart(&self, of: &Service<Contract>) -> Option<&'p Service<Contract>> {
        self.by_target.get(&target(of)).copied()
    }

    /// True of a service that only the dialing side offers.
    pub(super) fn is_of_client(&self, service: &Service<Contract>) -> bool {
        self.of_client.contains(service.name.source.as_str())
    }
}

fn target(service: &Service<Contract>) -> (Option<&str>, &str) {
    (service.package.as_deref(), &service.name.wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_retired_is_found_however_its_ranges_lie() {
        let retired = |ids: std::ops::RangeInclusive<u32>, name: Option<&str>| Retired {
            ids,
            name: name.map(str::to_owned),
            ty: None,
            removed: None,
        };
        let all = [retired(9..=9, Some("a")), retired(2..=6, None), retired(4..=5, Some("b"))];
        let gone = Gone::new(&all);
        let found: Vec<u32> = (0..12).filter(|id| gone.has_id(Some(*id))).collect();
        assert_eq!(found, [2, 3, 4, 5, 6, 9]);
        assert!(!gone.has_id(None) && gone.has_name("b") && !gone.has_name("c"));
    }
}

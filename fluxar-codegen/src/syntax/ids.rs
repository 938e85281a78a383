//! Numbers for fields, members and variants that have none.
//!
//! What is assigned once must not change, so a number is taken only above all that are used or
//! retired in reach: beside it, and in the records of the file that are joined with it by `...`.

use super::ast::{Content, Entry, Item, ItemKind, Retired, Type, TypeKind};
use super::format::{format, parsed};
use crate::report::Reports;
use std::collections::{BTreeMap, HashMap};

/// Gives each field, member and variant without a number the next free one, above all that are
/// used or retired beside it, and formats. Parameters keep to their places.
///
/// # Errors
/// As [`format()`].
pub fn assign_ids(text: &str) -> Result<String, Reports> {
    let parsed = parsed(text)?;
    let items = &parsed.file.items;
    let mut inserted = Inserted::new();
    for item in items {
        if let ItemKind::Choice { variants, retired, .. } = &item.kind {
            let mut next = retired.iter().map(last_of).max().unwrap_or(0);
            next = variants.iter().filter_map(|v| v.id).map(|id| id.value).fold(next, u64::max);
            for variant in variants {
                if variant.id.is_none() {
                    next = next.saturating_add(1);
                    inserted.insert(variant.name.span.start as usize, next);
                }
            }
        }
    }
    in_records(items, &mut inserted);
    let mut numbered = String::with_capacity(text.len() + inserted.len() * 3);
    let mut done = 0;
    for (at, id) in inserted {
        numbered.push_str(&text[done..at]);
        numbered.push_str(&format!("{id} "));
        done = at;
    }
    numbered.push_str(&text[done..]);
    format(&numbered)
}

/// Places in the source, and the numbers that go there.
type Inserted = BTreeMap<usize, u64>;

fn last_of(retired: &Retired) -> u64 {
    retired.last.map_or(retired.first.value, |last| last.value)
}

/// The greatest number that stands in a body.
fn greatest(entries: &[Entry]) -> u64 {
    let of = |entry: &Entry| match entry {
        Entry::Field(field) => field.id.map_or(0, |id| id.value),
        Entry::Retired(retired) => last_of(retired),
        Entry::Spread(_) => 0,
    };
    entries.iter().map(of).max().unwrap_or(0)
}

/// Numbers the fields of a body above `last`, and returns the last one.
fn number(entries: &[Entry], mut last: u64, inserted: &mut Inserted) -> u64 {
    for entry in entries {
        if let Entry::Field(field) = entry
            && field.id.is_none()
        {
            last = last.saturating_add(1);
            inserted.insert(field.name.span.start as usize, last);
        }
    }
    last
}

/// A record, an inline record or an alias: what spreads, or is spread.
struct Body<'f> {
    entries: &'f [Entry],
    /// What it spreads.
    spreads: Vec<usize>,
    /// Whether another body spreads it.
    is_spread: bool,
    /// The group of bodies that spreads join: the index of one of them.
    group: usize,
}

/// Numbers of a group of bodies.
#[derive(Clone, Copy, Default)]
struct Group {
    /// The greatest in all of them.
    last: u64,
    /// The greatest in those that are spread.
    last_spread: u64,
}

/// A body that is spread counts on from all bodies of its group, since its fields come to stand
/// beside theirs. One that is not spread counts on from what it has itself and what may be spread
/// into it.
fn in_records(items: &[Item], inserted: &mut Inserted) {
    let bodies = bodies_of(items);
    let mut groups = vec![Group::default(); bodies.len()];
    for body in &bodies {
        let group = &mut groups[body.group];
        let own = greatest(body.entries);
        group.last = group.last.max(own);
        if body.is_spread {
            group.last_spread = group.last_spread.max(own);
        }
    }
    for body in bodies.iter().filter(|body| body.is_spread) {
        let group = &mut groups[body.group];
        let before = group.last;
        group.last = number(body.entries, before, inserted);
        if group.last > before {
            group.last_spread = group.last;
        }
    }
    for body in bodies.iter().filter(|body| !body.is_spread) {
        let spread = if body.spreads.is_empty() { 0 } else { groups[body.group].last_spread };
        number(body.entries, greatest(body.entries).max(spread), inserted);
    }
}

fn bodies_of(items: &[Item]) -> Vec<Body<'_>> {
    let mut bodies = Vec::new();
    let mut names: HashMap<&str, usize> = HashMap::new();
    let mut written: Vec<Vec<String>> = Vec::new();
    let mut add = |entries, alias: Option<&Type>| {
        let spreads = bodies.len();
        bodies.push(Body { entries, spreads: Vec::new(), is_spread: false, group: spreads });
        written.push(spreads_of(entries).chain(alias).filter_map(named).collect());
        spreads
    };
    for item in items {
        match &item.kind {
            ItemKind::Record { entries, .. } => {
                let at = add(entries.as_slice(), None);
                names.entry(&item.name.text).or_insert(at);
            }
            ItemKind::Alias { ty, .. } => {
                let at = add(&[], Some(ty));
                names.entry(&item.name.text).or_insert(at);
            }
            ItemKind::Choice { variants, .. } => {
                for variant in variants {
                    if let Content::Record(entries) = &variant.content {
                        add(entries.as_slice(), None);
                    }
                }
            }
            _ => {}
        }
    }
    for (at, spreads) in written.iter().enumerate() {
        for name in spreads {
            let Some(&target) = names.get(name.as_str()) else { continue };
            bodies[target].is_spread = true;
            bodies[at].spreads.push(target);
        }
    }
    join(&mut bodies);
    bodies
}

fn spreads_of(entries: &[Entry]) -> impl Iterator<Item = &Type> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Spread(ty) => Some(ty),
        _ => None,
    })
}

fn named(ty: &Type) -> Option<String> {
    match &ty.kind {
        TypeKind::Named(path, _) => Some(path.text()),
        _ => None,
    }
}

/// Gives all bodies that spreads join the same group, step by step: a chain of spreads is as long
/// as its author likes.
fn join(bodies: &mut [Body<'_>]) {
    let mut neighbours: Vec<Vec<usize>> = bodies.iter().map(|body| body.spreads.clone()).collect();
    for (at, body) in bodies.iter().enumerate() {
        for &target in &body.spreads {
            neighbours[target].push(at);
        }
    }
    let mut is_joined = vec![false; bodies.len()];
    for first in 0..bodies.len() {
        let mut next = vec![first];
        while let Some(at) = next.pop() {
            if std::mem::replace(&mut is_joined[at], true) {
                continue;
            }
            bodies[at].group = first;
            next.extend(&neighbours[at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::assign_ids;

    fn check(source: &str, expected: &str) {
        let numbered = assign_ids(source).unwrap();
        assert_eq!(numbered, expected);
        assert_eq!(assign_ids(&numbered).unwrap(), expected, "what has a number keeps it");
    }

    #[test]
    fn numbers_are_assigned_above_all_that_are_taken() {
        check(
            "record A { a: u8, 3 b: u8, c: u8, retired 7 d }\nrecord B { ...A, e: u8 }\n\
             enum C { x, y }\nunion D { 2 x: { q: u8 }, y }\n",
            "record A { 8 a: u8, 3 b: u8, 9 c: u8, retired 7 d }\n\
             record B { ...A, 10 e: u8 }\nenum C { 1 x, 2 y }\n\
             union D { 2 x: { 1 q: u8 }, 3 y }\n",
        );
    }

    #[test]
    fn what_is_spread_stays_apart_from_what_it_is_spread_into() {
        check(
            "record A { ...B, a: u8 }\nrecord B { b: u8 }\n",
            "record A { ...B, 2 a: u8 }\nrecord B { 1 b: u8 }\n",
        );
        check(
            "record A { ...B, ...C, 1 a: u8 }\nrecord B { b: u8 }\nalias C = D\n\
             record D { d: u8 }\nunion U { 1 u: { 5 v: u8, ...D } }\n",
            "record A { ...B, ...C, 1 a: u8 }\nrecord B { 6 b: u8 }\nalias C = D\n\
             record D { 7 d: u8 }\nunion U { 1 u: { 5 v: u8, ...D } }\n",
        );
        // Two that spread the same do not count on from each other.
        check(
            "record Base { 1 id: u8 }\nrecord A { ...Base, a: u8 }\nrecord B { ...Base, b: u8 }\n",
            "record Base { 1 id: u8 }\nrecord A { ...Base, 2 a: u8 }\n\
             record B { ...Base, 2 b: u8 }\n",
        );
    }

    #[test]
    fn a_long_chain_of_spreads_is_numbered() {
        let chain: String =
            (0..20_000).map(|n| format!("record A{n} {{ ...A{}, a{n}: u8 }}\n", n + 1)).collect();
        let numbered = assign_ids(&chain).unwrap();
        assert!(numbered.starts_with("record A0 { ...A1, 20000 a0: u8 }\n"), "{}", &numbered[..80]);
    }
}

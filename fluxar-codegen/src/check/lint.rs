//! Warnings: contracts that work, and will be regretted.

use super::build::Built;
use super::types::base;
use super::world::World;
use crate::front::snake_case;
use crate::model::{
    Argument, Body, Constraints, Contract, Field, Method, Model, Scalar, TypeRef, VariantBody,
};
use crate::report::{Place, Reports};
use crate::syntax::ast::{Head, Ident, ItemKind};
use std::collections::HashSet;

/// The largest number that takes one byte on the wire.
const SHORT_ID_MAX: u32 = 23;

pub(super) fn check(world: &World, package: usize, built: &Built, reports: &mut Reports) {
    if world.is_std(package) {
        return;
    }
    let mut lint = Lint { world, built, reports };
    for unit in &world.packages[package].units {
        lint.unit(*unit);
    }
    lint.numbers();
    lint.inputs();
    lint.wide_integers();
    lint.unused(package);
}

struct Lint<'l> {
    world: &'l World,
    built: &'l Built,
    reports: &'l mut Reports,
}

impl Lint<'_> {
    fn named(&mut self, name: &Ident, unit: usize, is_type: bool) {
        let text = &name.text;
        let is_fine = match is_type {
            true => text.starts_with(|c: char| c.is_uppercase()) && !text.contains('_'),
            false => *text == snake_case(text),
        };
        if !is_fine {
            let wanted = if is_type { "PascalCase" } else { "snake_case" };
            let message = format!("`{text}` is not in {wanted}");
            self.reports.add("lint-name", self.world.place(unit, name.span), message);
        }
    }

    fn documented(&mut self, head: &Head, name: &Ident, unit: usize) {
        if head.docs.iter().all(|line| line.trim().is_empty()) {
            let message = format!("`{}` has no documentation", name.text);
            self.reports.add("lint-docs", self.world.place(unit, name.span), message);
        }
    }

    fn unit(&mut self, unit: usize) {
        let world = self.world;
        let file = &world.units[unit].file;
        if let Some(last) = file.package.as_ref().and_then(|p| p.path.segments.last()) {
            let version = last.text.strip_prefix('v').unwrap_or_default();
            if version.is_empty() || !version.bytes().all(|b| b.is_ascii_digit()) {
                let message = format!("`{}` is no version", last.text);
                self.reports.add("lint-version", world.place(unit, last.span), message);
            }
        }
        for item in &file.items {
            let is_type =
                !matches!(item.kind, ItemKind::Const { .. } | ItemKind::Annotation { .. });
            if is_type {
                self.named(&item.name, unit, true);
            }
            match &item.kind {
                ItemKind::Service(methods) => {
                    self.documented(&item.head, &item.name, unit);
                    for method in methods {
                        self.named(&method.name, unit, false);
                        self.documented(&method.head, &method.name, unit);
                        for parameter in &method.parameters {
                            self.named(&parameter.name, unit, false);
                        }
                    }
                }
                ItemKind::Topic { .. } => self.documented(&item.head, &item.name, unit),
                ItemKind::Record { entries, .. } => {
                    for entry in entries {
                        if let crate::syntax::ast::Entry::Field(field) = entry {
                            self.named(&field.name, unit, false);
                        }
                    }
                }
                ItemKind::Choice { variants, .. } => {
                    for variant in variants {
                        self.named(&variant.name, unit, false);
                    }
                }
                _ => {}
            }
        }
    }

    /// Fields that are always there and take two bytes for their number.
    fn numbers(&mut self) {
        for def in &self.built.model.types {
            let Body::Record(fields) = &def.body else { continue };
            let always = |field: &&Field<Contract>| !field.optional && !field.defaulted;
            let long = |field: &&Field<Contract>| field.id.is_some_and(|id| id > SHORT_ID_MAX);
            for field in fields.iter().filter(always).filter(long) {
                let place =
                    self.built.places.get(&format!("{}.{}", def.name.source, field.name.source));
                if let Some(place) = place {
                    let message = format!("`{}` is always sent", field.name.source);
                    self.reports.add("lint-id", *place, message);
                }
            }
        }
    }

    /// What clients may make as long as they like.
    fn inputs(&mut self) {
        let model = &self.built.model;
        let offered: HashSet<&String> = model.contracts.iter().flat_map(|c| &c.server).collect();
        // One for all methods: what two of them say is looked at once.
        let (mut seen, mut open) = (HashSet::new(), Vec::new());
        for service in &model.services {
            if !model.contracts.is_empty() && !offered.contains(&service.name.source) {
                continue;
            }
            for method in service.methods.iter().filter(|m| m.options.bytes_max.is_none()) {
                let owner = format!("{}.{}", service.name.source, method.name.source);
                self.input(method, &owner, &mut seen, &mut open);
            }
        }
        for key in open {
            if let Some(place) = self.built.places.get(&key) {
                let name = key.rsplit('.').next().unwrap_or_default();
                let message = format!("`{name}` comes from clients and may be of any length");
                self.reports.add("lint-unbounded", *place, message);
            }
        }
    }

    fn input(
        &self,
        method: &Method<Contract>,
        owner: &str,
        seen: &mut HashSet<String>,
        open: &mut Vec<String>,
    ) {
        for argument in &method.arguments {
            match argument {
                Argument::Value(field) => {
                    let key = format!("{owner}.{}", field.name.source);
                    self.unbounded(&field.ty, &field.constraints, &key, seen, open);
                }
                Argument::Input { name, item, .. } => {
                    let key = format!("{owner}.{}", name.source);
                    let none = Constraints::default();
                    self.unbounded(item, &none, &key, seen, open);
                }
                Argument::Context { .. } | Argument::Output { .. } => {}
            }
        }
    }

    /// Collects the keys of fields without a bound, below this type.
    fn unbounded(
        &self,
        ty: &TypeRef,
        constraints: &Constraints,
        key: &str,
        seen: &mut HashSet<String>,
        open: &mut Vec<String>,
    ) {
        let model = &self.built.model;
        let has_bound = constraints.len_max.is_some()
            || constraints.pattern.is_some()
            || newtype_bound(ty, model);
        match base(ty, model, false) {
            TypeRef::Scalar(Scalar::String | Scalar::Bytes | Scalar::Any) if !has_bound => {
                open.push(key.to_owned());
            }
            TypeRef::List(of) => {
                if !has_bound {
                    open.push(key.to_owned());
                }
                self.below(of, seen, open);
            }
            TypeRef::Map(_, value) => {
                if !has_bound {
                    open.push(key.to_owned());
                }
                self.below(value, seen, open);
            }
            other => self.below(other, seen, open),
        }
    }

    fn below(&self, ty: &TypeRef, seen: &mut HashSet<String>, open: &mut Vec<String>) {
        let TypeRef::Named(name) = base(ty, &self.built.model, true) else { return };
        if !seen.insert(name.clone()) {
            return;
        }
        let Some(def) = self.built.model.type_named(name) else { return };
        for (field, key) in fields_of(def) {
            self.unbounded(&field.ty, &field.constraints, &key, seen, open);
        }
    }

    /// 64-bit integers in what contracts with a side that dials say.
    fn wide_integers(&mut self) {
        if self.built.model.contracts.is_empty() {
            return;
        }
        let mut found: Vec<Place> = Vec::new();
        for def in &self.built.model.types {
            for (field, key) in fields_of(def) {
                let scalar = base(&field.ty, &self.built.model, true);
                if matches!(scalar, TypeRef::Scalar(Scalar::U64 | Scalar::I64)) {
                    found.extend(self.built.places.get(&key));
                }
            }
        }
        for place in found {
            self.reports.add("lint-u64", place, "browsers have 64-bit integers only as `bigint`");
        }
    }

    /// Types that nothing says: fields, methods or topics.
    fn unused(&mut self, package: usize) {
        let model = &self.built.model;
        let has_uses = !model.services.is_empty() || !model.topics.is_empty();
        if !has_uses {
            return;
        }
        let reached = model.used_types();
        for def in &model.types {
            let Some(place) = self.built.places.get(&def.name.source) else { continue };
            let units = &self.world.packages[package].units;
            let is_own = units.iter().any(|unit| self.world.units[*unit].source == place.source);
            if is_own && !reached.contains(def.name.source.as_str()) {
                let message = format!("nothing uses `{}`", def.name.source);
                self.reports.add("lint-unused", *place, message);
            }
        }
    }
}

fn newtype_bound(ty: &TypeRef, model: &Model) -> bool {
    let mut ty = ty.required();
    for _ in 0..64 {
        let TypeRef::Named(name) = ty else { return false };
        let Some(def) = model.type_named(name) else { return false };
        let Body::Newtype(of) = &def.body else { return false };
        if def.constraints.len_max.is_some() || def.constraints.pattern.is_some() {
            return true;
        }
        ty = of.required();
    }
    false
}

/// The fields of a type, those of variants among them, with the keys of their places.
fn fields_of(def: &crate::model::TypeDef<Contract>) -> Vec<(&Field<Contract>, String)> {
    let owner = &def.name.source;
    match &def.body {
        Body::Record(fields) => {
            fields.iter().map(|f| (f, format!("{owner}.{}", f.name.source))).collect()
        }
        Body::Union(variants) => variants
            .iter()
            .filter_map(|variant| match &variant.body {
                VariantBody::Record(fields) => Some((variant, fields)),
                _ => None,
            })
            .flat_map(|(variant, fields)| {
                let owner = format!("{owner}.{}", variant.name.source);
                fields.iter().map(move |f| (f, format!("{owner}.{}", f.name.source)))
            })
            .collect(),
        _ => Vec::new(),
    }
}

//! Annotations, built-in and declared.

use super::arguments::Arguments;
use super::build::Builder;
use crate::model::{
    Annotation as Use, CODES, Constraints, Delivery, Deprecated, Docs, ErrorCode, Lifecycle,
    MethodOptions, Model, Target, TypeRef, Value,
};
use crate::report::Place;
use crate::syntax::ast::{Annotation, Head, ItemKind, LiteralKind};
use std::collections::HashSet;
use std::time::Duration;

/// What the annotations of one place say.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) life: Lifecycle,
    pub(super) constraints: Constraints,
    pub(super) code: Option<ErrorCode>,
    pub(super) wire: Option<String>,
    pub(super) options: MethodOptions,
    pub(super) timeout: Option<Duration>,
    pub(super) notification: bool,
    pub(super) level: Option<u32>,
    pub(super) delivery: Delivery,
    pub(super) retain: Option<u32>,
    pub(super) replay: Option<Duration>,
    pub(super) key: Option<String>,
    pub(super) uses: Vec<Use>,
    /// `@example`, each with its place.
    examples: Vec<(Value, Place)>,
}

impl Marks {
    /// Documentation, with the examples of values of this type behind it.
    pub(super) fn docs(&self, lines: &[String], ty: &TypeRef, model: &Model) -> Docs {
        let example = |(value, _): &(Value, Place)| {
            format!(" Example: `{}`", crate::emit::idl::literal(value, ty, model))
        };
        Docs { lines: lines.iter().cloned().chain(self.examples.iter().map(example)).collect() }
    }
}

const NAMED: &[Target] = &[
    Target::Newtype,
    Target::Record,
    Target::Field,
    Target::Enum,
    Target::Union,
    Target::Error,
    Target::Variant,
    Target::Service,
    Target::Method,
    Target::Param,
    Target::Topic,
    Target::Contract,
];
const VALUES: &[Target] = &[Target::Field, Target::Param, Target::Newtype];
const FAILING: &[Target] = &[Target::Variant, Target::Error, Target::Record, Target::Newtype];
const SHOWN: &[Target] =
    &[Target::Field, Target::Param, Target::Newtype, Target::Record, Target::Enum, Target::Union];
const METHOD: &[Target] = &[Target::Method];
const TOPIC: &[Target] = &[Target::Topic];

/// The built-in annotations and where they stand.
pub(crate) const BUILT_IN: [(&str, &[Target]); 26] = [
    ("level", &[Target::Package]),
    ("since", NAMED),
    ("removed", NAMED),
    ("deprecated", NAMED),
    ("was", &[Target::Field, Target::Param, Target::Variant]),
    ("wire", NAMED),
    ("range", VALUES),
    ("min", VALUES),
    ("max", VALUES),
    ("len", VALUES),
    ("format", VALUES),
    ("pattern", VALUES),
    ("example", SHOWN),
    ("status", FAILING),
    ("retry", FAILING),
    ("message", FAILING),
    ("idempotent", METHOD),
    ("resumable", METHOD),
    ("cache", METHOD),
    ("timeout", METHOD),
    ("max_size", METHOD),
    ("notification", METHOD),
    ("delivery", TOPIC),
    ("retain", TOPIC),
    ("replay", TOPIC),
    ("key", TOPIC),
];

impl Builder<'_> {
    /// Reads the annotations of one place. `ty` is the type that bounds and examples are about.
    pub(super) fn marks(
        &mut self,
        head: &Head,
        target: Target,
        ty: Option<&TypeRef>,
        unit: usize,
    ) -> Marks {
        let mut marks = Marks::default();
        let mut seen = HashSet::new();
        for annotation in &head.annotations {
            let name = annotation.path.text();
            let may_repeat = name == "was" || name == "example";
            if !seen.insert(name.clone()) && !may_repeat {
                let message = format!("`@{name}` stands here twice");
                self.reports.add("annotation-twice", self.at(unit, annotation.span), message);
                continue;
            }
            // What did not parse is reported already.
            if annotation.arguments.iter().any(|given| given.value.kind == LiteralKind::Wrong) {
                continue;
            }
            match BUILT_IN.iter().find(|(known, _)| *known == name) {
                Some((_, targets)) if !targets.contains(&target) => {
                    let places: Vec<&str> = targets.iter().map(|t| t.name()).collect();
                    let place = self.at(unit, annotation.span);
                    let message = format!("`@{name}` means nothing on a {}", target.name());
                    let fix = format!("it stands on: {}", places.join(", "));
                    self.reports.add_with_fix("annotation-place", place, message, fix);
                }
                Some(_) => self.built_in(&mut marks, annotation, &name, ty, unit),
                None => self.declared(&mut marks, annotation, target, unit),
            }
        }
        self.check_life(&marks.life, head, unit);
        for (value, place) in &marks.examples {
            self.check_example(&marks.constraints, value, *place);
        }
        marks
    }

    fn built_in(
        &mut self,
        marks: &mut Marks,
        annotation: &Annotation,
        name: &str,
        ty: Option<&TypeRef>,
        unit: usize,
    ) {
        let mut arguments = Arguments::new(annotation);
        match name {
            "level" => marks.level = arguments.u32(),
            "since" => marks.life.since = arguments.u32(),
            "removed" => marks.life.removed = arguments.u32(),
            "deprecated" => {
                let note = arguments.maybe_text();
                let since = arguments.named("since").and_then(|value| arguments.as_u32(value));
                marks.life.deprecated = Some(Deprecated { note, since });
            }
            "was" => marks.life.was.extend(arguments.text()),
            "wire" => marks.wire = arguments.text().filter(|wire| is_wire(wire, &mut arguments)),
            "range" | "min" | "max" | "len" | "format" | "pattern" => {
                if let Some(ty) = ty {
                    self.bound(&mut marks.constraints, &mut arguments, name, ty);
                }
            }
            "example" => match (arguments.next(), ty) {
                (Some(literal), Some(ty)) => {
                    let value = self.fit(literal, ty, unit);
                    let place = self.at(unit, literal.span);
                    marks.examples.extend(value.map(|value| (value, place)));
                }
                _ => arguments.wrong = Some("a value of the type".to_owned()),
            },
            "status" => {
                let code = arguments.member();
                if let Some(code) = code {
                    if !CODES.contains(&code.as_str()) {
                        arguments.wrong = Some(format!("one of .{}", CODES.join(", .")));
                    }
                    failing(marks).code = Some(code);
                }
            }
            "retry" => failing(marks).retry = true,
            "message" => failing(marks).message = arguments.text(),
            "idempotent" => marks.options.idempotent = true,
            "resumable" => marks.options.resumable = true,
            "notification" => marks.notification = true,
            "cache" => marks.options.cache = arguments.duration(),
            "timeout" => marks.timeout = arguments.duration(),
            "max_size" => marks.options.bytes_max = arguments.size(),
            "retain" => marks.retain = arguments.u32(),
            "replay" => marks.replay = arguments.duration(),
            "key" => marks.key = arguments.text(),
            _ => {
                let name = arguments.member();
                let found = Delivery::ALL.into_iter().find(|d| Some(d.name()) == name.as_deref());
                marks.delivery = found.unwrap_or_else(|| {
                    let all = Delivery::ALL.map(Delivery::name).join(", .");
                    arguments.wrong = Some(format!("one of .{all}"));
                    Delivery::default()
                });
            }
        }
        if let Some(wanted) = arguments.finish() {
            let message = format!("`@{name}` takes {wanted}");
            self.reports.add("annotation-arguments", self.at(unit, annotation.span), message);
        }
    }

    /// A use of a declared annotation.
    fn declared(
        &mut self,
        marks: &mut Marks,
        annotation: &Annotation,
        target: Target,
        unit: usize,
    ) {
        let world = self.world;
        let symbol = world.lookup(unit, &annotation.path);
        let found = symbol.map(|symbol| (symbol, world.item(symbol)));
        let place = self.at(unit, annotation.span);
        let Some((symbol, item)) = found else {
            let name = annotation.path.text();
            let message = format!("there is no annotation `@{name}`");
            return self.reports.add("annotation-unknown", place, message);
        };
        let ItemKind::Annotation { parameters, targets } = &item.kind else {
            let message = format!("`{}` is no annotation", item.name.text);
            return self.reports.add("annotation-unknown", place, message);
        };
        let def = self.declaration(item, parameters, targets, symbol.unit);
        if !def.targets.contains(&target) {
            let places: Vec<&str> = def.targets.iter().map(|t| t.name()).collect();
            let message = format!("`@{}` is not for a {}", item.name.text, target.name());
            let fix = format!("it is declared for: {}", places.join(", "));
            self.reports.add_with_fix("annotation-place", place, message, fix);
        }
        let mut given: Vec<Option<Value>> = vec![None; def.parameters.len()];
        for (at, argument) in annotation.arguments.iter().enumerate() {
            let index = match &argument.name {
                None => Some(at),
                Some(name) => def.parameters.iter().position(|p| p.name.source == name.text),
            };
            let slot = index.and_then(|index| Some((index, def.parameters.get(index)?)));
            let place = self.at(unit, argument.value.span);
            match slot {
                Some((index, _)) if given[index].is_some() => {
                    let message = "this argument is given twice".to_owned();
                    self.reports.add("annotation-arguments", place, message);
                }
                Some((index, parameter)) => {
                    given[index] = self.fit(&argument.value, &parameter.ty, unit);
                }
                None => {
                    let message = "there is no such parameter".to_owned();
                    self.reports.add("annotation-arguments", place, message);
                }
            }
        }
        let mut arguments = Vec::new();
        for (parameter, value) in def.parameters.iter().zip(given) {
            let name = &parameter.name.source;
            match value {
                Some(value) => arguments.push((name.clone(), value)),
                None if parameter.default.is_some() || self.known.is_none() => {}
                None => {
                    let message = format!("the argument `{name}` is missing");
                    self.reports.add("annotation-arguments", place, message);
                }
            }
        }
        marks.uses.push(Use { name: item.name.text.clone(), arguments });
    }

    /// The level of a package, as it says it.
    fn level_of(&mut self, package: usize) -> Option<u32> {
        let world = self.world;
        let read = || {
            world.packages[package].units.iter().find_map(|unit| {
                let package = world.units[*unit].file.package.as_ref()?;
                let level = package.head.annotations.iter().find(|a| a.path.text() == "level")?;
                Arguments::new(level).u32()
            })
        };
        *self.levels.entry(package).or_insert_with(read)
    }

    fn check_life(&mut self, life: &Lifecycle, head: &Head, unit: usize) {
        let deprecated = life.deprecated.as_ref().and_then(|deprecated| deprecated.since);
        let said = [life.since, deprecated, life.removed];
        let levels: Vec<u32> = said.into_iter().flatten().collect();
        if levels.is_empty() {
            return;
        }
        let level = self.level_of(self.world.units[unit].package);
        let is_sorted = levels.is_sorted();
        let is_known = levels.iter().all(|said| level.is_none_or(|level| *said <= level));
        let place = head.annotations.first().map(|annotation| self.at(unit, annotation.span));
        if let Some(place) = place.filter(|_| !is_sorted || !is_known || levels.contains(&0)) {
            let message = "since, deprecated and removed are not in order, or not in a level that \
                           the package has";
            self.reports.add("level", place, message);
        }
    }
}

fn failing(marks: &mut Marks) -> &mut ErrorCode {
    marks.code.get_or_insert(ErrorCode { code: None, message: None, retry: false })
}

/// A name on the wire is dotted names.
fn is_wire(wire: &str, arguments: &mut Arguments<'_>) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let is_fine = wire.len() <= 256 && wire.split('.').all(is_name);
    if !is_fine {
        arguments.wrong = Some("a name of letters, digits and `_`".to_owned());
    }
    is_fine
}

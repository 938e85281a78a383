//! A package of the world → its model.

use super::annotations::Marks;
use super::world::{Symbol, World};
use super::{PARAMETERS_MAX, TYPES_MAX};
use crate::model::{
    AnnotationDef, AnnotationParameter, Contract, Docs, Model, Name, Package, Target, TypeDef,
    TypeRef,
};
use crate::report::{Place, Reports};
use crate::syntax::Span;
use crate::syntax::ast::{Head, Ident, Item, ItemKind, Member};
use proc_macro2::Span as RustSpan;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// A model, and where its parts are said.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) model: Model,
    /// By `Type`, `Type.field`, `Type.variant`, `Type.variant.field`, `Service.method` and
    /// `Service.method.parameter`.
    pub(super) places: HashMap<String, Place>,
}

/// An instance of a type that is to be built.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) symbol: Symbol,
    pub(super) arguments: Vec<TypeRef>,
    pub(super) name: String,
}

/// Where types are looked up: a file, and what its type parameters stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'s> {
    pub(super) unit: usize,
    pub(super) arguments: &'s HashMap<String, TypeRef>,
}

pub(super) struct Builder<'w> {
    pub(super) world: &'w World,
    pub(super) package: usize,
    /// The same model from the first round, when this is the second.
    pub(super) known: Option<&'w Model>,
    pub(super) reports: &'w mut Reports,
    pub(super) model: Model,
    pub(super) places: HashMap<String, Place>,
    /// The names in the model of what was asked for.
    pub(super) names: HashMap<(Symbol, Vec<TypeRef>), String>,
    pub(super) taken: HashSet<String>,
    pub(super) wanted: Vec<Wanted>,
    /// Aliases, spreads and constants that are being followed.
    pub(super) following: Vec<Symbol>,
    /// How deep the literal is that is being read.
    pub(super) literal_depth: usize,
    /// How many values of literals were read.
    pub(super) literal_steps: usize,
    /// The members of enums and unions that carry nothing, of those that literals are of.
    pub(super) members: HashMap<&'w str, HashSet<&'w str>>,
    /// The services and topics that are in the model.
    pub(super) offered: HashSet<String>,
    /// How many types and spreads were resolved.
    pub(super) steps: usize,
    /// True when the model had no room for a type.
    is_full: bool,
    /// The declared annotations of the model, by name.
    pub(super) declared: HashMap<String, Rc<AnnotationDef<Contract>>>,
    /// The levels of packages, as they say them.
    pub(super) levels: HashMap<usize, Option<u32>>,
}

/// Builds the model of a package.
pub(super) fn package(
    world: &World,
    package: usize,
    known: Option<&Model>,
    reports: &mut Reports,
) -> Built {
    let name = world.packages[package].name.clone();
    let mut builder = Builder {
        world,
        package,
        known,
        reports,
        model: Package::empty(name),
        places: HashMap::new(),
        names: HashMap::new(),
        taken: HashSet::new(),
        wanted: Vec::new(),
        following: Vec::new(),
        literal_depth: 0,
        literal_steps: 0,
        members: HashMap::new(),
        offered: HashSet::new(),
        steps: 0,
        is_full: false,
        declared: HashMap::new(),
        levels: HashMap::new(),
    };
    builder.run();
    Built { model: builder.model, places: builder.places }
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text, RustSpan::call_site())
}

pub(super) fn docs(lines: &[String]) -> Docs {
    Docs { lines: lines.to_vec() }
}

impl<'w> Builder<'w> {
    fn run(&mut self) {
        self.header();
        let own = self.symbols();
        for symbol in &own {
            self.claim(*symbol);
        }
        for symbol in &own {
            self.declared_annotation(*symbol);
        }
        for symbol in &own {
            self.own_item(*symbol);
        }
        for symbol in &own {
            if let ItemKind::Contract(sides) = &self.world.item(*symbol).kind {
                self.contract(*symbol, sides);
            }
        }
        self.instances();
        self.check_items();
    }

    /// What the files of the package declare, in order.
    fn symbols(&self) -> Vec<Symbol> {
        let units = self.world.packages[self.package].units.iter();
        let items = units.flat_map(|unit| {
            let count = self.world.units[*unit].file.items.len();
            (0..count).map(|item| Symbol { unit: *unit, item })
        });
        items.filter(|symbol| self.world.is_first(*symbol)).collect()
    }

    fn header(&mut self) {
        let world = self.world;
        for unit in &world.packages[self.package].units {
            let file = &world.units[*unit].file;
            if let Some(edition) = file.edition.filter(|edition| edition.value != 1) {
                let place = world.place(*unit, edition.span);
                self.reports.add("edition", place, "this edition is not known here");
            }
            let Some(package) = &file.package else { continue };
            for segment in &package.path.segments {
                let is_fine = segment.text.starts_with(|c: char| c.is_ascii_lowercase())
                    && !segment.text.contains(|c: char| c.is_ascii_uppercase());
                if !is_fine {
                    let message = format!("`{}` is no name of a package", segment.text);
                    self.reports.add("package-name", world.place(*unit, segment.span), message);
                }
            }
            self.model.docs.lines.extend(package.head.docs.iter().cloned());
            let marks = self.marks(&package.head, Target::Package, None, *unit);
            self.model.level = marks.level.or(self.model.level);
            self.model.annotations.extend(marks.uses);
        }
    }

    /// Reserves the names of what this package declares, so that imported types give way.
    fn claim(&mut self, symbol: Symbol) {
        let item = self.world.item(symbol);
        self.check_name(&item.name, symbol.unit);
        if crate::model::Scalar::named(&item.name.text).is_some() || item.name.text == "map" {
            let message = format!("`{}` is a built-in type", item.name.text);
            self.reports.add("reserved-name", self.at(symbol.unit, item.name.span), message);
        }
        self.taken.insert(item.name.text.clone());
        let is_plain_type = match &item.kind {
            ItemKind::Newtype(_) => true,
            ItemKind::Record { generics, .. } | ItemKind::Choice { generics, .. } => {
                generics.is_empty()
            }
            _ => false,
        };
        if is_plain_type {
            self.names.insert((symbol, Vec::new()), item.name.text.clone());
        }
    }

    pub(super) fn at(&self, unit: usize, span: Span) -> Place {
        self.world.place(unit, span)
    }

    pub(super) fn check_name(&mut self, name: &Ident, unit: usize) {
        let is_fine = name.text.len() <= 64 && name.text.contains(|c: char| c != '_');
        if !is_fine {
            let message = "this name is too long, or has no letter".to_owned();
            self.reports.add("name-form", self.at(unit, name.span), message);
        }
    }

    fn own_item(&mut self, symbol: Symbol) {
        let item = self.world.item(symbol);
        match &item.kind {
            ItemKind::Newtype(_) => self.wanted_now(symbol),
            ItemKind::Record { generics, .. } | ItemKind::Choice { generics, .. } => {
                match generics.is_empty() {
                    true => self.wanted_now(symbol),
                    false => self.check_template(symbol, generics),
                }
            }
            ItemKind::Alias { generics, ty } => {
                // Checked where it stands, even when nothing uses it.
                if generics.is_empty() {
                    let none = HashMap::new();
                    self.following.push(symbol);
                    self.ty(ty, Scope { unit: symbol.unit, arguments: &none });
                    self.following.pop();
                }
                self.no_annotations(&item.head, symbol.unit);
            }
            ItemKind::Const { ty, value } => {
                let none = HashMap::new();
                let scope = Scope { unit: symbol.unit, arguments: &none };
                self.no_annotations(&item.head, symbol.unit);
                if let Some(ty) = self.ty(ty, scope) {
                    self.following.push(symbol);
                    self.fit(value, &ty, symbol.unit);
                    self.following.pop();
                }
            }
            ItemKind::Service(methods) => self.service(symbol, methods),
            ItemKind::Topic { segments, payload } => self.topic(symbol, segments, payload),
            ItemKind::Contract(_) | ItemKind::Annotation { .. } => {}
        }
    }

    fn no_annotations(&mut self, head: &Head, unit: usize) {
        for annotation in &head.annotations {
            let message = "aliases and constants have no annotations".to_owned();
            self.reports.add("annotation-place", self.at(unit, annotation.span), message);
        }
    }

    /// A generic type is checked where it stands, with its parameters as `any`.
    fn check_template(&mut self, symbol: Symbol, generics: &[Ident]) {
        let mut seen = HashSet::new();
        for generic in generics {
            self.check_name(generic, symbol.unit);
            if !seen.insert(&generic.text) {
                let message = format!("there are two type parameters `{}`", generic.text);
                self.reports.add("duplicate-name", self.at(symbol.unit, generic.span), message);
            }
        }
    }

    fn wanted_now(&mut self, symbol: Symbol) {
        let name = self.world.item(symbol).name.text.clone();
        self.build_type(Wanted { symbol, arguments: Vec::new(), name });
    }

    /// Builds what was asked for on the way, until nothing is missing.
    fn instances(&mut self) {
        let mut next = 0;
        while next < self.wanted.len() {
            let wanted = self.wanted[next].clone();
            self.build_type(wanted);
            next += 1;
        }
    }

    /// Whether one more type has room in the model. That it has none is reported once.
    fn has_room(&mut self, symbol: Symbol) -> bool {
        if self.model.types.len() < TYPES_MAX {
            return true;
        }
        if !std::mem::replace(&mut self.is_full, true) {
            let place = self.at(symbol.unit, self.world.item(symbol).name.span);
            let message = format!("the contract has more than {TYPES_MAX} types");
            self.reports.add("too-large", place, message);
        }
        false
    }

    fn build_type(&mut self, wanted: Wanted) {
        let Wanted { symbol, arguments, name } = wanted;
        if !self.has_room(symbol) {
            return;
        }
        let item = self.world.item(symbol);
        let generics: &[Ident] = match &item.kind {
            ItemKind::Record { generics, .. } | ItemKind::Choice { generics, .. } => generics,
            _ => &[],
        };
        let names = generics.iter().map(|generic| generic.text.clone());
        let arguments: HashMap<String, TypeRef> = names.zip(arguments).collect();
        let scope = Scope { unit: symbol.unit, arguments: &arguments };
        self.places.insert(name.clone(), self.at(symbol.unit, item.name.span));
        if let Some(def) = self.type_def(item, &name, scope) {
            self.model.types.push(def);
        }
    }

    fn type_def(
        &mut self,
        item: &Item,
        model_name: &str,
        scope: Scope<'_>,
    ) -> Option<TypeDef<Contract>> {
        match &item.kind {
            ItemKind::Newtype(ty) => self.newtype(item, model_name, ty, scope),
            ItemKind::Record { entries, .. } => Some(self.record(item, model_name, entries, scope)),
            ItemKind::Choice { .. } => self.choice(item, model_name, scope),
            _ => None,
        }
    }

    /// A type of this name with everything that its head says.
    pub(super) fn empty_type(
        &self,
        item: &Item,
        model_name: &str,
        marks: Marks,
        is_error: bool,
        unit: usize,
    ) -> TypeDef<Contract> {
        let shown = &TypeRef::Named(model_name.to_owned());
        let wire = marks.wire.clone().unwrap_or_else(|| match self.world.package_of(unit) {
            Some(package) if is_error => format!("{package}.{}", item.name.text),
            _ => model_name.to_owned(),
        });
        TypeDef {
            name: name(model_name).on_wire(wire),
            docs: marks.docs(&item.head.docs, shown, self.known.unwrap_or(&self.model)),
            annotations: marks.uses,
            lifecycle: marks.life,
            body: crate::model::Body::Unit,
            retired: Vec::new(),
            closed: false,
            constraints: marks.constraints,
            is_error,
            code: marks.code,
            extra: (),
        }
    }

    /// An annotation that the package declares or imports.
    fn declared_annotation(&mut self, symbol: Symbol) {
        let item = self.world.item(symbol);
        if let ItemKind::Annotation { parameters, targets } = &item.kind {
            self.declaration(item, parameters, targets, symbol.unit);
        }
    }

    /// The declaration of an annotation, which is in the model from now on.
    pub(super) fn declaration(
        &mut self,
        item: &Item,
        parameters: &[Member],
        targets: &[Ident],
        unit: usize,
    ) -> Rc<AnnotationDef<Contract>> {
        if let Some(known) = self.declared.get(&item.name.text) {
            return Rc::clone(known);
        }
        let def = self.annotation_def(item, parameters, targets, unit);
        self.model.declared.push(def.clone());
        let def = Rc::new(def);
        self.declared.insert(item.name.text.clone(), Rc::clone(&def));
        def
    }

    fn annotation_def(
        &mut self,
        item: &Item,
        parameters: &[Member],
        targets: &[Ident],
        unit: usize,
    ) -> AnnotationDef<Contract> {
        let mut found = Vec::new();
        for target in targets {
            match Target::named(&target.text) {
                Some(target) => found.push(target),
                None => {
                    let all = Target::ALL.map(Target::name).join(", ");
                    let message = format!("nothing is called `{}`", target.text);
                    let place = self.at(unit, target.span);
                    self.reports.add_with_fix("annotation-place", place, message, all);
                }
            }
        }
        found.sort();
        found.dedup();
        if parameters.len() > PARAMETERS_MAX {
            let message = format!("an annotation has at most {PARAMETERS_MAX} parameters");
            self.reports.add("too-large", self.at(unit, item.name.span), message);
        }
        let none = HashMap::new();
        let scope = Scope { unit, arguments: &none };
        let mut seen = HashSet::new();
        let mut list = Vec::new();
        for parameter in parameters.iter().take(PARAMETERS_MAX) {
            let place = self.at(unit, parameter.name.span);
            if !seen.insert(&parameter.name.text) {
                let message = format!("there are two parameters `{}`", parameter.name.text);
                self.reports.add("duplicate-name", place, message);
            }
            if parameter.stream.is_some() || parameter.id.is_some() {
                let message = "a parameter of an annotation has a name, a type and a default";
                self.reports.add("annotation-arguments", place, message);
            }
            let Some(ty) = self.ty(&parameter.ty, scope) else { continue };
            let default = parameter.default.as_ref();
            let default = default.and_then(|value| self.fit(value, &ty, unit));
            list.push(AnnotationParameter { name: name(&parameter.name.text), ty, default });
        }
        AnnotationDef {
            name: name(&item.name.text),
            docs: docs(&item.head.docs),
            parameters: list,
            targets: found,
        }
    }
}

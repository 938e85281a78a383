//! Records: fields, spreads, retired numbers.

use super::annotations::Marks;
use super::build::{Builder, Scope, name};
use super::unique::{ID_MAX, Taken};
use crate::model::{Body, Contract, Field, Retired, Target, TypeDef, TypeRef};
use crate::report::Place;
use crate::syntax::ast::{Entry, Item, ItemKind, Member, Retired as Gone, Type, TypeKind};
use std::collections::HashMap;

/// Fields and what is retired, as they are collected.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) fields: Vec<Field<Contract>>,
    pub(super) places: Vec<Place>,
    pub(super) retired: Vec<(Retired<Contract>, Place)>,
}

impl Builder<'_> {
    pub(super) fn record(
        &mut self,
        item: &Item,
        model_name: &str,
        entries: &[Entry],
        scope: Scope<'_>,
    ) -> TypeDef<Contract> {
        let own = TypeRef::Named(model_name.to_owned());
        let marks = self.marks(&item.head, Target::Record, Some(&own), scope.unit);
        // A record with a status is an error.
        let is_error = marks.code.is_some();
        let (fields, retired) = self.fields_of(entries, model_name, scope);
        let mut def = self.empty_type(item, model_name, marks, is_error, scope.unit);
        let names: Vec<_> = fields.iter().map(|field| field.name.clone()).collect();
        self.check_message(def.code.as_ref(), &names, &item.head, scope.unit);
        def.body = Body::Record(fields);
        def.retired = retired;
        def
    }

    /// The fields of a record or variant, by number. `owner` is its name for places.
    pub(super) fn fields_of(
        &mut self,
        entries: &[Entry],
        owner: &str,
        scope: Scope<'_>,
    ) -> (Vec<Field<Contract>>, Vec<Retired<Contract>>) {
        let mut found = Fields::default();
        self.collect(entries, scope, &mut found);
        let mut taken = Taken::default();
        for (field, place) in found.fields.iter().zip(&found.places) {
            self.take_id(&mut taken, field.id, *place);
            self.take_name(&mut taken, &field.name, &field.lifecycle.was, *place);
            self.places.insert(format!("{owner}.{}", field.name.source), *place);
        }
        self.check_retired(&taken, &found.retired);
        found.fields.sort_by_key(|field| field.id);
        (found.fields, found.retired.into_iter().map(|(retired, _)| retired).collect())
    }

    fn collect(&mut self, entries: &[Entry], scope: Scope<'_>, found: &mut Fields) {
        for entry in entries {
            match entry {
                Entry::Field(member) => {
                    if let Some(field) = self.field(member, scope) {
                        found.places.push(self.at(scope.unit, member.name.span));
                        found.fields.push(field);
                    }
                }
                Entry::Retired(gone) => {
                    let place = self.at(scope.unit, gone.first.span);
                    found.retired.extend(self.retired(gone, scope).map(|retired| (retired, place)));
                }
                Entry::Spread(ty) => self.spread(ty, scope, found),
            }
        }
    }

    fn spread(&mut self, ty: &Type, scope: Scope<'_>, found: &mut Fields) {
        let world = self.world;
        let place = self.at(scope.unit, ty.span);
        if self.step(ty, scope.unit).is_none() {
            return;
        }
        let TypeKind::Named(path, arguments) = &ty.kind else {
            return self.reports.add("type-wrong", place, "only a record can be spread");
        };
        let symbol = world.lookup(scope.unit, path);
        let record = symbol.and_then(|symbol| match &world.item(symbol).kind {
            ItemKind::Record { generics, entries } => Some((symbol, generics, entries)),
            _ => None,
        });
        let Some((symbol, generics, entries)) = record else {
            let message = format!("`{}` is no record", path.text());
            return self.reports.add("type-wrong", place, message);
        };
        if generics.len() != arguments.len() {
            let message = format!("this record has {} type parameters", generics.len());
            return self.reports.add("type-arguments", place, message);
        }
        if self.following.contains(&symbol) {
            let message = format!("`{}` spreads itself", path.text());
            return self.reports.add("alias-cycle", place, message);
        }
        if found.fields.len() > usize::try_from(ID_MAX).unwrap_or(usize::MAX) {
            return self.reports.add("too-large", place, "the record has too many fields");
        }
        let mut resolved: HashMap<String, TypeRef> = HashMap::new();
        for (generic, argument) in generics.iter().zip(arguments) {
            let Some(argument) = self.ty(argument, scope) else { return };
            resolved.insert(generic.text.clone(), argument);
        }
        self.following.push(symbol);
        let first = found.places.len();
        self.collect(entries, Scope { unit: symbol.unit, arguments: &resolved }, found);
        self.following.pop();
        // What collides is said where the spread is: that is where it can be helped.
        for spread in &mut found.places[first..] {
            *spread = place;
        }
    }

    fn field(&mut self, member: &Member, scope: Scope<'_>) -> Option<Field<Contract>> {
        let place = self.at(scope.unit, member.name.span);
        if member.stream.is_some() {
            self.reports.add("stream-place", place, "a field is no stream");
        }
        let id = self.number(member.id, &member.name, scope.unit);
        let mut field = self.value(member, Target::Field, scope)?;
        field.id = id;
        Some(field)
    }

    /// A field or parameter without its number.
    pub(super) fn value(
        &mut self,
        member: &Member,
        target: Target,
        scope: Scope<'_>,
    ) -> Option<Field<Contract>> {
        self.check_name(&member.name, scope.unit);
        let ty = self.ty(&member.ty, scope)?;
        let marks: Marks = self.marks(&member.head, target, Some(&ty), scope.unit);
        let optional = matches!(ty, TypeRef::Optional(_));
        let place = self.at(scope.unit, member.name.span);
        let given = member.default.as_ref();
        let mut default = given.and_then(|literal| self.fit(literal, &ty, scope.unit));
        if optional && default.is_some() {
            if default != Some(crate::model::Value::Null) {
                self.reports.add("optional-default", place, "this is optional, with a default");
            }
            default = None;
        }
        self.check_bounds(&marks.constraints, default.as_ref(), place);
        Some(Field {
            name: name(&member.name.text).on_wire(self.member_wire(&marks, &member.name.text)),
            id: None,
            docs: marks.docs(&member.head.docs, &ty, self.known.unwrap_or(&self.model)),
            annotations: marks.uses,
            lifecycle: marks.life,
            ty,
            optional,
            // In the first round values are not read: that there is one is known.
            defaulted: default.is_some() || (self.known.is_none() && given.is_some() && !optional),
            default,
            constraints: marks.constraints,
        })
    }

    pub(super) fn member_wire(&self, marks: &Marks, own: &str) -> String {
        marks.wire.clone().unwrap_or_else(|| own.to_owned())
    }

    pub(super) fn retired(&mut self, gone: &Gone, scope: Scope<'_>) -> Option<Retired<Contract>> {
        let last = gone.last.unwrap_or(gone.first);
        let is_fine = (1..=ID_MAX).contains(&gone.first.value)
            && (gone.first.value..=ID_MAX).contains(&last.value);
        if !is_fine {
            let message = "this is no number, or a range that ends before it begins".to_owned();
            self.reports.add("id-range", self.at(scope.unit, gone.first.span), message);
            return None;
        }
        let mut removed = None;
        for annotation in &gone.annotations {
            let mut arguments = super::arguments::Arguments::new(annotation);
            let name = annotation.path.text();
            if name == "removed" {
                removed = arguments.u32();
            }
            if name != "removed" || arguments.finish().is_some() {
                let message = "behind what is retired stands only `@removed(level)`".to_owned();
                let place = self.at(scope.unit, annotation.span);
                self.reports.add("annotation-place", place, message);
            }
        }
        let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Some(Retired {
            ids: number(gone.first.value)..=number(last.value),
            name: gone.name.as_ref().map(|name| name.text.clone()),
            ty: gone.ty.as_ref().and_then(|ty| self.ty(ty, scope)),
            removed,
        })
    }
}

//! Enums, unions and errors.

use super::build::{Builder, Scope, docs, name};
use super::unique::Taken;
use crate::model::{
    Body, Contract, ErrorCode, Name, Piece, Target, TypeDef, TypeRef, Variant, VariantBody, pieces,
};
use crate::report::Place;
use crate::syntax::ast::{Choice, Content, Head, Item, ItemKind, Variant as Written};
use std::collections::HashSet;

impl Builder<'_> {
    pub(super) fn choice(
        &mut self,
        item: &Item,
        model_name: &str,
        scope: Scope<'_>,
    ) -> Option<TypeDef<Contract>> {
        let ItemKind::Choice { choice, closed, variants, retired, .. } = &item.kind else {
            return None;
        };
        let (target, is_error) = match choice {
            Choice::Enum => (Target::Enum, false),
            Choice::Union => (Target::Union, false),
            Choice::Error => (Target::Error, true),
        };
        let own = TypeRef::Named(model_name.to_owned());
        let marks = self.marks(&item.head, target, Some(&own), scope.unit);
        let mut def = self.empty_type(item, model_name, marks, is_error, scope.unit);
        let place = self.at(scope.unit, item.name.span);
        if variants.is_empty() {
            self.reports.add("empty-choice", place, format!("`{}` is empty", item.name.text));
        }
        let mut taken = Taken::default();
        let mut built = Vec::new();
        for written in variants {
            let place = self.at(scope.unit, written.name.span);
            let Some(variant) = self.variant(written, *choice, model_name, scope) else { continue };
            self.take_id(&mut taken, variant.id, place);
            self.take_name(&mut taken, &variant.name, &variant.lifecycle.was, place);
            self.places.insert(format!("{model_name}.{}", variant.name.source), place);
            let has_status =
                |code: Option<&ErrorCode>| code.is_some_and(|code| code.code.is_some());
            if is_error && !has_status(def.code.as_ref()) && !has_status(variant.code.as_ref()) {
                let message = format!("`{}` has no status", variant.name.source);
                self.reports.add("error-status", place, message);
            }
            built.push(variant);
        }
        let mut gone: Vec<(_, Place)> = Vec::new();
        for retired in retired {
            let place = self.at(scope.unit, retired.first.span);
            gone.extend(self.retired(retired, scope).map(|retired| (retired, place)));
        }
        self.check_retired(&taken, &gone);
        built.sort_by_key(|variant| variant.id);
        def.retired = gone.into_iter().map(|(retired, _)| retired).collect();
        def.closed = closed.is_some();
        def.body = match choice {
            Choice::Enum => Body::Enum(built),
            Choice::Union | Choice::Error => Body::Union(built),
        };
        Some(def)
    }

    fn variant(
        &mut self,
        written: &Written,
        choice: Choice,
        owner: &str,
        scope: Scope<'_>,
    ) -> Option<Variant<Contract>> {
        self.check_name(&written.name, scope.unit);
        let place = self.at(scope.unit, written.name.span);
        let id = self.number(written.id, &written.name, scope.unit);
        let marks = self.marks(&written.head, Target::Variant, None, scope.unit);
        if marks.code.is_some() && choice != Choice::Error {
            let message = "only variants of errors have a status".to_owned();
            self.reports.add("annotation-place", place, message);
        }
        if choice == Choice::Enum && !matches!(written.content, Content::None) {
            let message = "a member of an enum carries nothing".to_owned();
            let fix = "declare a `union`";
            self.reports.add_with_fix("type-wrong", place, message, fix);
        }
        let mut retired = Vec::new();
        let mut names: Vec<Name> = Vec::new();
        let body = match &written.content {
            Content::None => VariantBody::Unit,
            Content::Type(ty) => {
                names.push(name("0"));
                VariantBody::Newtype(Box::new(self.ty(ty, scope)?))
            }
            Content::Record(entries) => {
                let owner = format!("{owner}.{}", written.name.text);
                let (fields, gone) = self.fields_of(entries, &owner, scope);
                retired = gone;
                names.extend(fields.iter().map(|field| field.name.clone()));
                VariantBody::Record(fields)
            }
        };
        self.check_message(marks.code.as_ref(), &names, &written.head, scope.unit);
        Some(Variant {
            name: name(&written.name.text).on_wire(self.member_wire(&marks, &written.name.text)),
            id,
            docs: docs(&written.head.docs),
            annotations: marks.uses,
            lifecycle: marks.life,
            body,
            retired,
            code: marks.code,
        })
    }

    /// A message names fields that are there.
    pub(super) fn check_message(
        &mut self,
        code: Option<&ErrorCode>,
        fields: &[Name],
        head: &Head,
        unit: usize,
    ) {
        let Some(message) = code.and_then(|code| code.message.as_ref()) else { return };
        let about = head.annotations.iter().find(|a| a.path.text() == "message");
        let Some(place) = about.map(|annotation| self.at(unit, annotation.span)) else { return };
        match pieces(message) {
            Err(why) => self.reports.add("message-field", place, why),
            Ok(pieces) => {
                let known: HashSet<&str> = fields.iter().map(|f| f.source.as_str()).collect();
                for piece in pieces {
                    if let Piece::Value { field, .. } = piece
                        && !known.contains(field.as_str())
                    {
                        let message = format!("there is no field `{field}` here");
                        self.reports.add("message-field", place, message);
                    }
                }
            }
        }
    }
}

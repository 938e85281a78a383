//! Services and their methods.

use super::build::{Builder, Scope, docs, name};
use super::unique::Taken;
use super::world::Symbol;
use crate::front::{TARGET_BYTES_MAX, TARGET_SEGMENTS_MAX, snake_case};
use crate::model::{
    Answer, Argument, Contract, Failure, Method, Scalar, Service, Target, TypeRef, sink_name,
};
use crate::syntax::ast::{Method as Written, MethodResult, Type, TypeKind};
use std::collections::HashMap;

const UNIT: TypeRef = TypeRef::Scalar(Scalar::Unit);

impl Builder<'_> {
    pub(super) fn service(&mut self, symbol: Symbol, methods: &[Written]) {
        let item = self.world.item(symbol);
        let unit = symbol.unit;
        let marks = self.marks(&item.head, Target::Service, None, unit);
        let package = self.world.package_of(unit).map(str::to_owned);
        // On the wire a service may be somewhere else altogether.
        let (package, wire) = match marks.wire {
            None => (package, snake_case(&item.name.text)),
            Some(path) => match path.rsplit_once('.') {
                Some((package, wire)) => (Some(package.to_owned()), wire.to_owned()),
                None => (None, path),
            },
        };
        let mut service = Service {
            name: name(&item.name.text).on_wire(wire),
            package,
            docs: docs(&item.head.docs),
            annotations: marks.uses,
            lifecycle: marks.life,
            methods: Vec::new(),
            extra: (),
        };
        self.places.insert(item.name.text.clone(), self.at(unit, item.name.span));
        let mut taken = Taken::default();
        for written in methods {
            let place = self.at(unit, written.name.span);
            let Some(method) = self.method(written, &item.name.text, unit) else { continue };
            self.take_name(&mut taken, &method.name, &[], place);
            self.places.insert(format!("{}.{}", item.name.text, method.name.source), place);
            let target = service.target(&method);
            let is_long =
                target.len() > TARGET_BYTES_MAX || target.split('.').count() > TARGET_SEGMENTS_MAX;
            if is_long {
                self.reports.add("target-length", place, format!("`{target}` is too long"));
            }
            service.methods.push(method);
        }
        self.offered.insert(item.name.text.clone());
        self.model.services.push(service);
    }

    fn method(
        &mut self,
        written: &Written,
        service: &str,
        unit: usize,
    ) -> Option<Method<Contract>> {
        self.check_name(&written.name, unit);
        let none = HashMap::new();
        let scope = Scope { unit, arguments: &none };
        let place = self.at(unit, written.name.span);
        let marks = self.marks(&written.head, Target::Method, None, unit);
        let owner = format!("{service}.{}", written.name.text);
        let mut arguments = self.parameters(written, &owner, scope);
        let answer = match &written.result {
            MethodResult::None if marks.notification => Answer::Nothing,
            MethodResult::None => Answer::Value(UNIT),
            MethodResult::Value(ty) => Answer::Value(self.ty(ty, scope)?),
            MethodResult::Stream(item, None) => Answer::Items(self.ty(item, scope)?),
            MethodResult::Stream(item, Some(then)) => {
                let item = self.ty(item, scope)?;
                let name = sink_name(&arguments);
                arguments.push(Argument::Output { name, item, extra: () });
                Answer::Value(if is_unit(then) { UNIT } else { self.ty(then, scope)? })
            }
        };
        let failure = match &written.failure {
            None => Failure::Status,
            Some(ty) => {
                let error = self.ty(ty, scope)?;
                self.check_error(ty, &error, unit);
                Failure::App(error)
            }
        };
        let has_stream = arguments.iter().any(|a| !matches!(a, Argument::Value(_)));
        let expects = !matches!(written.result, MethodResult::None)
            || written.failure.is_some()
            || has_stream
            || marks.timeout.is_some();
        if marks.notification && expects {
            let message = format!("`{}` is a notification", written.name.text);
            self.reports.add("notification", place, message);
        }
        Some(Method {
            name: name(&written.name.text).on_wire(self.member_wire(&marks, &written.name.text)),
            docs: docs(&written.head.docs),
            annotations: marks.uses,
            lifecycle: marks.life,
            arguments,
            answer,
            failure,
            timeout: marks.timeout,
            options: marks.options,
            extra: (),
        })
    }

    fn check_error(&mut self, ty: &Type, error: &TypeRef, unit: usize) {
        let Some(known) = self.known else { return };
        let is_error = match error {
            TypeRef::Named(name) => known.type_named(name).is_none_or(|def| def.is_error),
            _ => false,
        };
        if !is_error {
            let message = "methods fail with errors, and this is none".to_owned();
            self.reports.add("error-type", self.at(unit, ty.span), message);
        }
    }

    fn parameters(
        &mut self,
        written: &Written,
        owner: &str,
        scope: Scope<'_>,
    ) -> Vec<Argument<Contract>> {
        let mut taken = Taken::default();
        let mut arguments = Vec::new();
        let (mut place_of_value, mut streams) = (0, 0);
        for member in &written.parameters {
            let place = self.at(scope.unit, member.name.span);
            self.places.insert(format!("{owner}.{}", member.name.text), place);
            if member.stream.is_some() {
                streams += 1;
                let is_plain = member.id.is_none()
                    && member.default.is_none()
                    && member.head.annotations.is_empty();
                if streams > 1 || !is_plain {
                    let message = "this stream is one too many, or says too much".to_owned();
                    self.reports.add("stream-place", place, message);
                }
                self.check_name(&member.name, scope.unit);
                let name = name(&member.name.text);
                self.take_name(&mut taken, &name, &[], place);
                if let Some(item) = self.ty(&member.ty, scope) {
                    arguments.push(Argument::Input { name, item, extra: () });
                }
                continue;
            }
            place_of_value += 1;
            let id = match member.id {
                Some(_) => self.number(member.id, &member.name, scope.unit),
                None => Some(place_of_value),
            };
            let Some(mut field) = self.value(member, Target::Param, scope) else { continue };
            field.id = id;
            self.take_id(&mut taken, id, place);
            self.take_name(&mut taken, &field.name, &field.lifecycle.was, place);
            arguments.push(Argument::Value(field));
        }
        arguments
    }
}

/// `unit` has no name elsewhere: a stream may end with nothing.
fn is_unit(ty: &Type) -> bool {
    matches!(&ty.kind, TypeKind::Named(path, arguments)
        if arguments.is_empty() && path.text() == "unit")
}

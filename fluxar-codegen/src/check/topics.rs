//! Topics and contracts.

use super::build::{Builder, Scope, docs, name};
use super::types::base;
use super::world::Symbol;
use crate::front::TARGET_SEGMENTS_MAX;
use crate::model::{Body, Contract, ContractDef, Scalar, Segment, Target, Topic, TypeRef};
use crate::syntax::ast::{Item, ItemKind, Segment as Written, Side, Type};
use std::collections::{HashMap, HashSet};

impl Builder<'_> {
    pub(super) fn topic(&mut self, symbol: Symbol, segments: &[Written], payload: &Type) {
        let item = self.world.item(symbol);
        let unit = symbol.unit;
        let none = HashMap::new();
        let scope = Scope { unit, arguments: &none };
        let place = self.at(unit, item.name.span);
        let marks = self.marks(&item.head, Target::Topic, None, unit);
        let Some(payload) = self.ty(payload, scope) else { return };
        if segments.len() > TARGET_SEGMENTS_MAX {
            let message = format!("`{}` has {} segments", item.name.text, segments.len());
            self.reports.add("topic-path", place, message);
        }
        let segments = self.segments(segments, scope);
        let mut topic: Topic<Contract> = Topic {
            name: name(&item.name.text),
            docs: docs(&item.head.docs),
            annotations: marks.uses,
            lifecycle: marks.life,
            segments,
            payload,
            delivery: marks.delivery,
            retain: marks.retain,
            replay: marks.replay,
            key: marks.key,
            extra: (),
        };
        topic.name.wire = topic.filter();
        self.check_key(&topic, item, unit);
        self.places.insert(item.name.text.clone(), place);
        self.offered.insert(item.name.text.clone());
        self.model.topics.push(topic);
    }

    fn segments(&mut self, written: &[Written], scope: Scope<'_>) -> Vec<Segment<Contract>> {
        let mut segments: Vec<Segment<Contract>> = Vec::new();
        let mut taken: HashSet<&str> = HashSet::new();
        for segment in written {
            match segment {
                Written::Literal(text) => segments.push(Segment::Literal(text.text.clone())),
                Written::Param(own, ty) => {
                    self.check_name(own, scope.unit);
                    let at = ty.span;
                    let Some(ty) = self.ty(ty, scope) else { continue };
                    if self.known.is_some() && !self.is_segment(&ty) {
                        let message = "this cannot be written as a segment".to_owned();
                        self.reports.add("topic-param", self.at(scope.unit, at), message);
                    }
                    if !taken.insert(&own.text) {
                        let message = format!("there are two parameters `{}`", own.text);
                        self.reports.add("duplicate-name", self.at(scope.unit, own.span), message);
                    }
                    segments.push(Segment::Param { name: name(&own.text), ty });
                }
            }
        }
        segments
    }

    fn is_segment(&self, ty: &TypeRef) -> bool {
        let Some(known) = self.known else { return true };
        match base(ty, known, false) {
            _ if matches!(ty, TypeRef::Optional(_)) => false,
            TypeRef::Scalar(scalar) => {
                scalar.int_range().is_some()
                    || matches!(scalar, Scalar::String | Scalar::Bool | Scalar::Uuid)
            }
            TypeRef::Named(name) => {
                let def = known.type_named(name);
                def.is_none_or(|def| matches!(def.body, Body::Enum(_)))
            }
            _ => false,
        }
    }

    fn check_key(&mut self, topic: &Topic<Contract>, item: &Item, unit: usize) {
        let (Some(key), Some(known)) = (&topic.key, self.known) else { return };
        let in_path = topic.params().any(|(name, _)| name.source == *key);
        let in_payload = match base(&topic.payload, known, false) {
            TypeRef::Named(name) => match known.type_named(name).map(|def| &def.body) {
                Some(Body::Record(fields)) => fields.iter().any(|f| f.name.source == *key),
                _ => false,
            },
            _ => false,
        };
        let about = item.head.annotations.iter().find(|a| a.path.text() == "key");
        if let Some(annotation) = about.filter(|_| !in_path && !in_payload) {
            let message = format!("there is no `{key}` in the path or the payload");
            self.reports.add("topic-key", self.at(unit, annotation.span), message);
        }
    }

    pub(super) fn contract(&mut self, symbol: Symbol, sides: &[Side]) {
        let world = self.world;
        let item = world.item(symbol);
        let unit = symbol.unit;
        let marks = self.marks(&item.head, Target::Contract, None, unit);
        let mut contract = ContractDef {
            name: name(&item.name.text),
            docs: docs(&item.head.docs),
            annotations: marks.uses,
            lifecycle: marks.life,
            server: Vec::new(),
            client: Vec::new(),
            topics: Vec::new(),
        };
        self.places.insert(item.name.text.clone(), self.at(unit, item.name.span));
        let mut listed: HashSet<(&str, &str)> = HashSet::new();
        for side in sides {
            let place = self.at(unit, side.name.span);
            let list = match side.name.text.as_str() {
                "server" => &mut contract.server,
                "client" => &mut contract.client,
                "topics" => &mut contract.topics,
                other => {
                    let message = format!("a contract has no `{other}`");
                    self.reports.add("contract-side", place, message);
                    continue;
                }
            };
            if !list.is_empty() {
                let message = format!("`{}` stands here twice", side.name.text);
                self.reports.add("contract-side", place, message);
            }
            for path in &side.paths {
                let wants_topic = side.name.text == "topics";
                let place = world.place(unit, path.span);
                let Some(symbol) = world.lookup(unit, path) else {
                    let message = format!("nothing is called `{}`", path.text());
                    self.reports.add("unknown-name", place, message);
                    continue;
                };
                let named = world.item(symbol);
                let is_fine = match &named.kind {
                    ItemKind::Service(_) => !wants_topic,
                    ItemKind::Topic { .. } => wants_topic,
                    _ => false,
                };
                if !is_fine || !listed.insert((&side.name.text, &named.name.text)) {
                    let what = if wants_topic { "topic" } else { "service" };
                    let message = format!("here goes a {what}, once");
                    self.reports.add("contract-side", place, message);
                    continue;
                }
                list.push(named.name.text.clone());
                self.bring_in(symbol);
            }
        }
        self.model.contracts.push(contract);
    }

    /// Takes a service or topic of another package into the model.
    fn bring_in(&mut self, symbol: Symbol) {
        let item = self.world.item(symbol);
        let own = self.world.units[symbol.unit].package == self.package;
        if own || self.offered.contains(&item.name.text) {
            return;
        }
        if !self.taken.insert(item.name.text.clone()) {
            let message = format!("another `{}` is declared here", item.name.text);
            let place = self.at(symbol.unit, item.name.span);
            return self.reports.add("name-collision", place, message);
        }
        match &item.kind {
            ItemKind::Service(methods) => self.service(symbol, methods),
            ItemKind::Topic { segments, payload } => self.topic(symbol, segments, payload),
            _ => {}
        }
    }

    /// What is spelled alike in a target language.
    pub(super) fn check_items(&mut self) {
        let mut taken = super::unique::Taken::default();
        let names: Vec<String> = self
            .model
            .types
            .iter()
            .map(|def| &def.name)
            .chain(self.model.services.iter().map(|service| &service.name))
            .chain(self.model.topics.iter().map(|topic| &topic.name))
            .map(|name| name.source.clone())
            .collect();
        for name in names {
            if let Some(place) = self.places.get(&name).copied() {
                self.take_spelling(&mut taken, &name, place);
            }
        }
        let mut wires: HashMap<(Option<String>, String), String> = HashMap::new();
        for service in self.model.services.clone() {
            let wire = (service.package.clone(), service.name.wire.clone());
            let place = self.places.get(&service.name.source).copied();
            if let (Some(other), Some(place)) = (wires.insert(wire, service.name.source), place) {
                let message = format!("`{other}` has the same name on the wire");
                self.reports.add("duplicate-name", place, message);
            }
        }
    }
}

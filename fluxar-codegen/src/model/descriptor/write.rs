//! Model → item. What is absent, false or empty is left out.

use super::item::{DOCS, Item};
use crate::model::{
    Annotation, AnnotationDef, Answer, Argument, Body, Constraints, Contract, ContractDef, Docs,
    ErrorCode, Failure, Field, Lifecycle, Method, MethodOptions, Name, Number, Package, Retired,
    Scalar, Segment, Service, Topic, TypeDef, TypeRef, Value, Variant, VariantBody,
};
use std::time::Duration;

/// The entries of one map, put in the order of their keys.
#[derive(Default)]
struct Entries(Vec<(u64, Item)>);

impl Entries {
    fn put(mut self, key: u64, item: Item) -> Self {
        self.0.push((key, item));
        self
    }

    fn maybe(self, key: u64, item: Option<Item>) -> Self {
        match item {
            Some(item) => self.put(key, item),
            None => self,
        }
    }

    fn flag(self, key: u64, flag: bool) -> Self {
        self.maybe(key, flag.then_some(Item::Bool(true)))
    }

    fn list(self, key: u64, items: Vec<Item>) -> Self {
        self.maybe(key, (!items.is_empty()).then_some(Item::Array(items)))
    }

    /// A map, unless it is empty.
    fn map(self, key: u64, entries: Self) -> Self {
        self.maybe(key, (!entries.0.is_empty()).then_some(Item::Map(entries.0)))
    }

    fn name(self, name: &Name) -> Self {
        let wire = (name.wire != name.source).then(|| Item::text(&name.wire));
        self.put(0, Item::text(&name.source)).maybe(1, wire)
    }

    fn about(self, life: &Lifecycle, annotations: &[Annotation], docs: &Docs) -> Self {
        self.map(9, lifecycle(life))
            .list(10, annotations.iter().map(annotation).collect())
            .docs(docs)
    }

    fn docs(self, docs: &Docs) -> Self {
        self.list(DOCS, docs.lines.iter().map(Item::text).collect())
    }

    fn item(self) -> Item {
        debug_assert!(self.0.is_sorted_by(|a, b| a.0 < b.0), "in the order of the keys");
        Item::Map(self.0)
    }
}

/// Sorted by name, so that the order of the source does not matter.
fn by_name<T>(things: &[T], name: impl Fn(&T) -> &str) -> Vec<&T> {
    let mut sorted: Vec<&T> = things.iter().collect();
    sorted.sort_by(|a, b| name(a).cmp(name(b)));
    sorted
}

fn uint(number: impl Into<u64>) -> Item {
    Item::Int(number.into().into())
}

fn micros(duration: Duration) -> Item {
    Item::Int(i128::try_from(duration.as_micros()).unwrap_or(i128::MAX))
}

pub(super) fn package(package: &Package<Contract>) -> Item {
    let types = by_name(&package.types, |def| &def.name.source);
    let services = by_name(&package.services, |service| &service.name.source);
    let topics = by_name(&package.topics, |topic| &topic.name.source);
    let contracts = by_name(&package.contracts, |contract| &contract.name.source);
    let declared = by_name(&package.declared, |def| &def.name.source);
    Entries::default()
        .put(0, uint(1_u8))
        .maybe(1, package.name.as_ref().map(Item::text))
        .maybe(2, package.level.map(uint))
        .list(3, types.into_iter().map(type_def).collect())
        .list(4, services.into_iter().map(service).collect())
        .list(5, topics.into_iter().map(topic).collect())
        .list(6, contracts.into_iter().map(contract).collect())
        .list(7, declared.into_iter().map(declaration).collect())
        .list(10, package.annotations.iter().map(annotation).collect())
        .docs(&package.docs)
        .item()
}

/// The declared annotations, the uses of annotations and the documentation of a package.
pub(super) fn head(package: &Package<Contract>) -> [Option<Item>; 3] {
    let Item::Map(entries) = self::package(package) else { return [None, None, None] };
    [7, 10, DOCS]
        .map(|key| entries.iter().find(|(other, _)| *other == key).map(|(_, item)| item.clone()))
}

pub(super) fn type_def(def: &TypeDef<Contract>) -> Item {
    let (kind, content) = match &def.body {
        Body::Record(fields) => (0_u8, Some(Item::Array(self::fields(fields)))),
        Body::Newtype(of) => (1, Some(type_ref(of))),
        Body::Unit => (2, None),
        Body::Enum(variants) => (3, Some(Item::Array(self::variants(variants)))),
        Body::Union(variants) => (4, Some(Item::Array(self::variants(variants)))),
    };
    Entries::default()
        .name(&def.name)
        .put(2, uint(kind))
        .maybe(3, content)
        .flag(4, def.closed)
        .flag(5, def.is_error)
        .map(6, constraints(&def.constraints))
        .map(7, code(def.code.as_ref()))
        .list(8, def.retired.iter().map(retired).collect())
        .about(&def.lifecycle, &def.annotations, &def.docs)
        .item()
}

fn fields(fields: &[Field<Contract>]) -> Vec<Item> {
    let mut sorted: Vec<&Field<Contract>> = fields.iter().collect();
    sorted.sort_by(|a, b| (a.id, &a.name.source).cmp(&(b.id, &b.name.source)));
    sorted.into_iter().map(field).collect()
}

fn field(field: &Field<Contract>) -> Item {
    Entries::default()
        .name(&field.name)
        .maybe(2, field.id.map(uint))
        .put(3, type_ref(&field.ty))
        .flag(4, field.optional)
        .flag(5, field.defaulted)
        .maybe(6, field.default.as_ref().map(value))
        .map(7, constraints(&field.constraints))
        .about(&field.lifecycle, &field.annotations, &field.docs)
        .item()
}

fn variants(variants: &[Variant<Contract>]) -> Vec<Item> {
    let mut sorted: Vec<&Variant<Contract>> = variants.iter().collect();
    sorted.sort_by(|a, b| (a.id, &a.name.source).cmp(&(b.id, &b.name.source)));
    sorted.into_iter().map(variant).collect()
}

fn variant(variant: &Variant<Contract>) -> Item {
    let body = match &variant.body {
        VariantBody::Unit => None,
        VariantBody::Newtype(of) => Some(Item::Array(vec![uint(0_u8), type_ref(of)])),
        VariantBody::Record(fields) => {
            Some(Item::Array(vec![uint(1_u8), Item::Array(self::fields(fields))]))
        }
    };
    Entries::default()
        .name(&variant.name)
        .maybe(2, variant.id.map(uint))
        .maybe(3, body)
        .map(7, code(variant.code.as_ref()))
        .list(8, variant.retired.iter().map(retired).collect())
        .about(&variant.lifecycle, &variant.annotations, &variant.docs)
        .item()
}

pub(super) fn service(service: &Service<Contract>) -> Item {
    let methods = by_name(&service.methods, |method| &method.name.source);
    Entries::default()
        .name(&service.name)
        .maybe(2, service.package.as_ref().map(Item::text))
        .list(3, methods.into_iter().map(method).collect())
        .about(&service.lifecycle, &service.annotations, &service.docs)
        .item()
}

fn method(method: &Method<Contract>) -> Item {
    let params: Vec<Field<Contract>> = method.params().cloned().collect();
    let input = method.arguments.iter().find_map(|argument| match argument {
        Argument::Input { name, item, .. } => {
            Some(Item::Array(vec![Item::text(&name.source), type_ref(item)]))
        }
        _ => None,
    });
    let answer = match &method.answer {
        Answer::Nothing => None,
        Answer::Value(of) => Some(Item::Array(vec![uint(0_u8), type_ref(of)])),
        Answer::Items(of) => Some(Item::Array(vec![uint(1_u8), type_ref(of)])),
    };
    let failure = match &method.failure {
        Failure::App(of) => Some(type_ref(of)),
        // Any call can fail with a status.
        Failure::Never | Failure::Status => None,
    };
    Entries::default()
        .name(&method.name)
        .list(2, fields(&params))
        .maybe(3, input)
        .maybe(4, method.output().map(type_ref))
        .maybe(5, answer)
        .maybe(6, failure)
        .maybe(7, method.timeout.map(micros))
        .map(8, options(&method.options))
        .about(&method.lifecycle, &method.annotations, &method.docs)
        .item()
}

fn options(options: &MethodOptions) -> Entries {
    Entries::default()
        .flag(0, options.idempotent)
        .flag(1, options.resumable)
        .maybe(2, options.cache.map(micros))
        .maybe(3, options.bytes_max.map(uint))
}

pub(super) fn topic(topic: &Topic<Contract>) -> Item {
    let segments = topic.segments.iter().map(|segment| match segment {
        Segment::Literal(text) => Item::text(text),
        Segment::Param { name, ty } => Item::Array(vec![Item::text(&name.source), type_ref(ty)]),
    });
    let qos = topic.delivery.qos();
    Entries::default()
        .put(0, Item::text(&topic.name.source))
        .list(2, segments.collect())
        .put(3, type_ref(&topic.payload))
        .maybe(4, (qos > 0).then(|| uint(qos)))
        .maybe(5, topic.retain.map(uint))
        .maybe(6, topic.replay.map(micros))
        .maybe(7, topic.key.as_ref().map(Item::text))
        .about(&topic.lifecycle, &topic.annotations, &topic.docs)
        .item()
}

pub(super) fn contract(contract: &ContractDef) -> Item {
    let names = |names: &[String]| {
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        sorted.into_iter().map(Item::text).collect()
    };
    Entries::default()
        .name(&contract.name)
        .list(2, names(&contract.server))
        .list(3, names(&contract.client))
        .list(4, names(&contract.topics))
        .about(&contract.lifecycle, &contract.annotations, &contract.docs)
        .item()
}

fn declaration(def: &AnnotationDef<Contract>) -> Item {
    let parameters = def.parameters.iter().map(|parameter| {
        Entries::default()
            .name(&parameter.name)
            .put(3, type_ref(&parameter.ty))
            .maybe(6, parameter.default.as_ref().map(value))
            .item()
    });
    let mut targets: Vec<u64> = def.targets.iter().map(|target| *target as u64).collect();
    targets.sort_unstable();
    Entries::default()
        .name(&def.name)
        .list(2, parameters.collect())
        .list(3, targets.into_iter().map(uint).collect())
        .docs(&def.docs)
        .item()
}

fn annotation(annotation: &Annotation) -> Item {
    let arguments = annotation.arguments.iter();
    let arguments = arguments.map(|(name, of)| Item::Array(vec![Item::text(name), value(of)]));
    Item::Array(vec![Item::text(&annotation.name), Item::Array(arguments.collect())])
}

fn lifecycle(life: &Lifecycle) -> Entries {
    let deprecated = life.deprecated.as_ref().map(|deprecated| {
        Entries::default()
            .maybe(0, deprecated.note.as_ref().map(Item::text))
            .maybe(1, deprecated.since.map(uint))
            .item()
    });
    Entries::default()
        .maybe(0, life.since.map(uint))
        .maybe(1, life.removed.map(uint))
        .maybe(2, deprecated)
        .list(3, life.was.iter().map(Item::text).collect())
}

fn code(code: Option<&ErrorCode>) -> Entries {
    let Some(code) = code else { return Entries::default() };
    Entries::default()
        .maybe(0, code.code.as_ref().map(Item::text))
        .maybe(1, code.message.as_ref().map(Item::text))
        .flag(2, code.retry)
}

fn constraints(limits: &Constraints) -> Entries {
    Entries::default()
        .maybe(0, limits.min.map(number))
        .maybe(1, limits.max.map(number))
        .maybe(2, limits.len_min.map(uint))
        .maybe(3, limits.len_max.map(uint))
        .maybe(4, limits.format.map(|format| Item::text(format.name())))
        .maybe(5, limits.pattern.as_ref().map(Item::text))
}

fn retired(retired: &Retired<Contract>) -> Item {
    let (from, to) = (*retired.ids.start(), *retired.ids.end());
    Entries::default()
        .put(0, uint(from))
        .maybe(1, (to != from).then(|| uint(to)))
        .maybe(2, retired.name.as_ref().map(Item::text))
        .maybe(3, retired.ty.as_ref().map(type_ref))
        .maybe(4, retired.removed.map(uint))
        .item()
}

fn number(number: Number) -> Item {
    match number {
        Number::Int(int) => Item::Int(int),
        Number::Float(float) => Item::Float(float),
    }
}

/// A built-in type is its number, a named one its name.
fn type_ref(ty: &TypeRef) -> Item {
    let array = |kind: u8, parts: Vec<Item>| {
        Item::Array(std::iter::once(uint(kind)).chain(parts).collect())
    };
    match ty {
        TypeRef::Scalar(scalar) => {
            let place = Scalar::ALL.iter().position(|other| other == scalar);
            uint(place.unwrap_or_default() as u64)
        }
        TypeRef::Named(name) => Item::text(name),
        TypeRef::Optional(of) => array(0, vec![type_ref(of)]),
        TypeRef::List(of) => array(1, vec![type_ref(of)]),
        TypeRef::Array(of, len) => array(2, vec![type_ref(of), uint(*len)]),
        TypeRef::Map(key, of) => array(3, vec![type_ref(key), type_ref(of)]),
    }
}

fn value(value: &Value) -> Item {
    let tagged = |kind: u8, item: Item| Item::Array(vec![uint(kind), item]);
    let pairs = |pairs: &[(String, Value)]| {
        let pair =
            |(name, of): &(String, Value)| Item::Array(vec![Item::text(name), self::value(of)]);
        Item::Array(pairs.iter().map(pair).collect())
    };
    match value {
        Value::Null => Item::Null,
        Value::Bool(flag) => Item::Bool(*flag),
        Value::Int(int) => Item::Int(*int),
        Value::Float(float) => Item::Float(*float),
        Value::Text(text) => Item::text(text),
        Value::Bytes(bytes) => Item::Bytes(bytes.clone()),
        Value::Name(name) => tagged(0, Item::text(name)),
        Value::List(items) => tagged(1, Item::Array(items.iter().map(self::value).collect())),
        Value::Map(entries) => tagged(2, pairs(entries)),
        Value::Record(entries) => tagged(3, pairs(entries)),
    }
}

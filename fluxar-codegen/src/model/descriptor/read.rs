//! Item → model.

use super::DescriptorError;
use super::entries::{Entries, list, number, parts, text};
use super::item::{DOCS, Item};
use crate::model::{
    Annotation, AnnotationDef, AnnotationParameter, Answer, Argument, Body, CODES, Constraints,
    Contract, ContractDef, Delivery, Deprecated, Docs, ErrorCode, Failure, Field, Format,
    Lifecycle, Method, MethodOptions, Name, Number, Package, Retired, Scalar, Segment, Service,
    Target, Topic, TypeDef, TypeRef, Value, Variant, VariantBody, sink_name,
};
use proc_macro2::Span;

type Read<T> = Result<T, DescriptorError>;

fn wrong(what: &'static str) -> DescriptorError {
    DescriptorError::new(what)
}

/// Reads one map and sees to it that nothing unknown is in it.
fn map<T>(item: Item, read: impl FnOnce(&mut Entries) -> Read<T>) -> Read<T> {
    let mut entries = Entries::of(item)?;
    let value = read(&mut entries)?;
    entries.end()?;
    Ok(value)
}

/// Names are what sources may say, so that whatever is generated from a descriptor is safe.
fn identifier(text: String) -> Read<String> {
    let mut chars = text.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(text);
    }
    Err(wrong("a name has letters, digits and `_`, and begins with no digit"))
}

fn dotted(text: String) -> Read<String> {
    for segment in text.split('.') {
        identifier(segment.to_owned())?;
    }
    Ok(text)
}

fn name(entries: &mut Entries) -> Read<Name> {
    let source = entries.must(0, |item| identifier(text(item)?))?;
    let wire = entries.maybe(1, |item| dotted(text(item)?))?;
    let name = Name::new(source, Span::call_site());
    Ok(match wire {
        Some(wire) => name.on_wire(wire),
        None => name,
    })
}

fn docs(entries: &mut Entries) -> Read<Docs> {
    Ok(Docs { lines: entries.list(DOCS, text)? })
}

pub(super) fn package(item: Item) -> Read<Package<Contract>> {
    map(item, |entries| {
        if entries.must(0, number::<u64>)? != 1 {
            return Err(wrong("another version of descriptors"));
        }
        Ok(Package {
            name: entries.maybe(1, |item| dotted(text(item)?))?,
            level: entries.u32(2)?,
            types: entries.list(3, type_def)?,
            services: entries.list(4, service)?,
            topics: entries.list(5, topic)?,
            contracts: entries.list(6, contract)?,
            declared: entries.list(7, declaration)?,
            annotations: entries.list(10, annotation)?,
            docs: docs(entries)?,
        })
    })
}

fn type_def(item: Item) -> Read<TypeDef<Contract>> {
    map(item, |entries| {
        let name = name(entries)?;
        let kind: u8 = entries.must(2, number)?;
        let body = match kind {
            0 => Body::Record(entries.must(3, |item| list(item, field))?),
            1 => Body::Newtype(Box::new(entries.must(3, type_ref)?)),
            2 => Body::Unit,
            3 => Body::Enum(entries.must(3, |item| list(item, variant))?),
            4 => Body::Union(entries.must(3, |item| list(item, variant))?),
            _ => return Err(wrong("an unknown kind of type")),
        };
        Ok(TypeDef {
            name,
            body,
            closed: entries.flag(4)?,
            is_error: entries.flag(5)?,
            constraints: entries.map(6, constraints)?.unwrap_or_default(),
            code: entries.map(7, code)?,
            retired: entries.list(8, retired)?,
            lifecycle: lifecycle(entries)?,
            annotations: entries.list(10, annotation)?,
            docs: docs(entries)?,
            extra: (),
        })
    })
}

fn field(item: Item) -> Read<Field<Contract>> {
    map(item, |entries| {
        Ok(Field {
            name: name(entries)?,
            id: entries.u32(2)?,
            ty: entries.must(3, type_ref)?,
            optional: entries.flag(4)?,
            defaulted: entries.flag(5)?,
            default: entries.maybe(6, value)?,
            constraints: entries.map(7, constraints)?.unwrap_or_default(),
            lifecycle: lifecycle(entries)?,
            annotations: entries.list(10, annotation)?,
            docs: docs(entries)?,
        })
    })
}

fn variant(item: Item) -> Read<Variant<Contract>> {
    map(item, |entries| {
        let body = |item| {
            let [kind, content] = parts(item)?;
            Ok(match number::<u8>(kind)? {
                0 => VariantBody::Newtype(Box::new(type_ref(content)?)),
                1 => VariantBody::Record(list(content, field)?),
                _ => return Err(wrong("an unknown kind of variant")),
            })
        };
        Ok(Variant {
            name: name(entries)?,
            id: entries.u32(2)?,
            body: entries.maybe(3, body)?.unwrap_or(VariantBody::Unit),
            code: entries.map(7, code)?,
            retired: entries.list(8, retired)?,
            lifecycle: lifecycle(entries)?,
            annotations: entries.list(10, annotation)?,
            docs: docs(entries)?,
        })
    })
}

fn service(item: Item) -> Read<Service<Contract>> {
    map(item, |entries| {
        Ok(Service {
            name: name(entries)?,
            package: entries.maybe(2, |item| dotted(text(item)?))?,
            methods: entries.list(3, method)?,
            lifecycle: lifecycle(entries)?,
            annotations: entries.list(10, annotation)?,
            docs: docs(entries)?,
            extra: (),
        })
    })
}

fn method(item: Item) -> Read<Method<Contract>> {
    map(item, |entries| {
        let name = name(entries)?;
        let values = entries.list(2, field)?.into_iter().map(Argument::Value);
        let mut arguments: Vec<Argument<Contract>> = values.collect();
        let named = |source: String| Name::new(source, Span::call_site());
        let input = entries.maybe(3, |item| {
            let [name, of] = parts(item)?;
            Ok((named(identifier(text(name)?)?), type_ref(of)?))
        })?;
        arguments.extend(input.map(|(name, item)| Argument::Input { name, item, extra: () }));
        let output = entries.maybe(4, type_ref)?;
        let sink = sink_name(&arguments);
        arguments.extend(output.map(|item| Argument::Output { name: sink, item, extra: () }));
        let answer = |item| {
            let [kind, of] = parts(item)?;
            Ok(match number::<u8>(kind)? {
                0 => Answer::Value(type_ref(of)?),
                1 => Answer::Items(type_ref(of)?),
                _ => return Err(wrong("an unknown kind of answer")),
            })
        };
        Ok(Method {
            name,
            arguments,
            answer: entries.maybe(5, answer)?.unwrap_or(Answer::Nothing),
            failure: entries.maybe(6, type_ref)?.map_or(Failure::Status, Failure::App),
            timeout: entries.duration(7)?,
            options: entries.map(8, options)?.unwrap_or_default(),
            lifecycle: lifecycle(entries)?,
            annotations: entries.list(10, annotation)?,
            docs: docs(entries)?,
            extra: (),
        })
    })
}

fn options(item: Item) -> Read<MethodOptions> {
    map(item, |entries| {
        Ok(MethodOptions {
            idempotent: entries.flag(0)?,
            resumable: entries.flag(1)?,
            cache: entries.duration(2)?,
            bytes_max: entries.u64(3)?,
        })
    })
}

fn topic(item: Item) -> Read<Topic<Contract>> {
    map(item, |entries| {
        let source = entries.must(0, |item| identifier(text(item)?))?;
        let segments: Vec<Segment<Contract>> = entries.list(2, |item| match item {
            Item::Text(text) => Ok(Segment::Literal(identifier(text)?)),
            item => {
                let [name, ty] = parts(item)?;
                let name = Name::new(identifier(text(name)?)?, Span::call_site());
                Ok(Segment::Param { name, ty: type_ref(ty)? })
            }
        })?;
        let qos = entries.maybe(4, number::<u8>)?.unwrap_or(0);
        let delivery = Delivery::ALL.into_iter().find(|delivery| delivery.qos() == qos);
        let mut topic = Topic {
            name: Name::new(source, Span::call_site()),
            segments,
            payload: entries.must(3, type_ref)?,
            delivery: delivery.ok_or_else(|| wrong("an unknown delivery").within(4))?,
            retain: entries.u32(5)?,
            replay: entries.duration(6)?,
            key: entries.text(7)?,
            lifecycle: lifecycle(entries)?,
            annotations: entries.list(10, annotation)?,
            docs: docs(entries)?,
            extra: (),
        };
        topic.name.wire = topic.filter();
        Ok(topic)
    })
}

fn contract(item: Item) -> Read<ContractDef> {
    let names = |item| identifier(text(item)?);
    map(item, |entries| {
        Ok(ContractDef {
            name: name(entries)?,
            server: entries.list(2, names)?,
            client: entries.list(3, names)?,
            topics: entries.list(4, names)?,
            lifecycle: lifecycle(entries)?,
            annotations: entries.list(10, annotation)?,
            docs: docs(entries)?,
        })
    })
}

fn declaration(item: Item) -> Read<AnnotationDef<Contract>> {
    let parameter = |item| {
        map(item, |entries| {
            Ok(AnnotationParameter {
                name: name(entries)?,
                ty: entries.must(3, type_ref)?,
                default: entries.maybe(6, value)?,
            })
        })
    };
    let target = |item| {
        let place: usize = number(item)?;
        Target::ALL.get(place).copied().ok_or_else(|| wrong("an unknown target"))
    };
    map(item, |entries| {
        Ok(AnnotationDef {
            name: name(entries)?,
            parameters: entries.list(2, parameter)?,
            targets: entries.list(3, target)?,
            docs: docs(entries)?,
        })
    })
}

fn annotation(item: Item) -> Read<Annotation> {
    let [name, arguments] = parts(item)?;
    let arguments = list(arguments, pair)?;
    Ok(Annotation { name: identifier(text(name)?)?, arguments })
}

fn pair(item: Item) -> Read<(String, Value)> {
    let [name, of] = parts(item)?;
    Ok((text(name)?, value(of)?))
}

fn lifecycle(entries: &mut Entries) -> Read<Lifecycle> {
    let deprecated = |item| {
        map(item, |entries| Ok(Deprecated { note: entries.text(0)?, since: entries.u32(1)? }))
    };
    let life = entries.map(9, |item| {
        map(item, |entries| {
            Ok(Lifecycle {
                since: entries.u32(0)?,
                removed: entries.u32(1)?,
                deprecated: entries.maybe(2, deprecated)?,
                was: entries.list(3, |item| identifier(text(item)?))?,
            })
        })
    })?;
    Ok(life.unwrap_or_default())
}

fn code(item: Item) -> Read<ErrorCode> {
    let known = |item| {
        let name = text(item)?;
        if CODES.contains(&&*name) { Ok(name) } else { Err(wrong("an unknown code")) }
    };
    map(item, |entries| {
        Ok(ErrorCode {
            code: entries.maybe(0, known)?,
            message: entries.text(1)?,
            retry: entries.flag(2)?,
        })
    })
}

fn constraints(item: Item) -> Read<Constraints> {
    let bound = |item| match item {
        Item::Int(int) => Ok(Number::Int(int)),
        Item::Float(float) => Ok(Number::Float(float)),
        _ => Err(wrong("a bound is a number")),
    };
    let format = |item| Format::named(&text(item)?).ok_or_else(|| wrong("an unknown format"));
    map(item, |entries| {
        Ok(Constraints {
            min: entries.maybe(0, bound)?,
            max: entries.maybe(1, bound)?,
            len_min: entries.u64(2)?,
            len_max: entries.u64(3)?,
            format: entries.maybe(4, format)?,
            pattern: entries.text(5)?,
        })
    })
}

fn retired(item: Item) -> Read<Retired<Contract>> {
    map(item, |entries| {
        let from: u32 = entries.must(0, number)?;
        let to = entries.u32(1)?.unwrap_or(from);
        Ok(Retired {
            ids: from..=to,
            name: entries.maybe(2, |item| identifier(text(item)?))?,
            ty: entries.maybe(3, type_ref)?,
            removed: entries.u32(4)?,
        })
    })
}

fn type_ref(item: Item) -> Read<TypeRef> {
    let parts = match item {
        Item::Text(name) => return Ok(TypeRef::Named(identifier(name)?)),
        Item::Int(_) => {
            let place: usize = number(item)?;
            let scalar = Scalar::ALL.get(place).copied();
            return scalar.map(TypeRef::Scalar).ok_or_else(|| wrong("an unknown scalar"));
        }
        Item::Array(parts) => parts,
        _ => return Err(wrong("a type is a number, a name or a list")),
    };
    let mut parts = parts.into_iter();
    let mut next = || parts.next().ok_or_else(|| wrong("a part of the type is missing"));
    let ty = match number::<u8>(next()?)? {
        0 => TypeRef::Optional(Box::new(type_ref(next()?)?)),
        1 => TypeRef::List(Box::new(type_ref(next()?)?)),
        2 => TypeRef::Array(Box::new(type_ref(next()?)?), number(next()?)?),
        3 => TypeRef::Map(Box::new(type_ref(next()?)?), Box::new(type_ref(next()?)?)),
        _ => return Err(wrong("an unknown kind of type")),
    };
    if next().is_ok() { Err(wrong("too many parts of a type")) } else { Ok(ty) }
}

fn value(item: Item) -> Read<Value> {
    Ok(match item {
        Item::Null => Value::Null,
        Item::Bool(flag) => Value::Bool(flag),
        Item::Int(int) => Value::Int(int),
        Item::Float(float) => Value::Float(float),
        Item::Text(text) => Value::Text(text),
        Item::Bytes(bytes) => Value::Bytes(bytes),
        Item::Map(_) => return Err(wrong("a value is no map")),
        item => {
            let [kind, content] = parts(item)?;
            match number::<u8>(kind)? {
                0 => Value::Name(identifier(text(content)?)?),
                1 => Value::List(list(content, value)?),
                2 => Value::Map(list(content, pair)?),
                3 => Value::Record(list(content, pair)?),
                _ => return Err(wrong("an unknown kind of value")),
            }
        }
    })
}

//! What types say about themselves at run time.

use fluxar::payload::encode;
use fluxar::service::describe::{self as described, Registry};
use fluxar::{Type, Value};
use fluxar_codegen::model::{Body, Contract, Model, Scalar, TypeDef, TypeRef, VariantBody};
use std::collections::BTreeMap;

/// A tree.
///
/// With leaves.
#[derive(Type)]
struct Tree {
    /// Below it.
    #[fluxar(id = 1)]
    branches: Vec<Self>,
    #[fluxar(id = 2, default)]
    leaf: Leaf<u32>,
    other: Option<Leaf<String>>,
    by_name: BTreeMap<String, [Box<Self>; 2]>,
    foreign: std::net::Ipv4Addr,
}

#[derive(Default, Type)]
enum Leaf<T> {
    #[default]
    #[fluxar(id = 1)]
    None,
    /// One.
    One(T),
    Pair {
        left: T,
        right: Name,
    },
}

#[derive(Type)]
#[fluxar(rename = "Label")]
struct Name(String);

fn named(name: &str) -> TypeRef {
    TypeRef::Named(name.to_owned())
}

fn scalar(of: Scalar) -> TypeRef {
    TypeRef::Scalar(of)
}

fn list(of: TypeRef) -> TypeRef {
    TypeRef::List(Box::new(of))
}

fn optional(of: TypeRef) -> TypeRef {
    TypeRef::Optional(Box::new(of))
}

fn fields(def: &TypeDef<Contract>) -> Vec<(&str, Option<u32>, &TypeRef)> {
    let Body::Record(fields) = &def.body else { panic!("{def:?}") };
    fields.iter().map(|field| (field.name.source.as_str(), field.id, &field.ty)).collect()
}

#[test]
fn a_type_describes_itself_and_what_it_is_made_of_once() {
    let mut registry = Registry::new();
    let name = described::TypeRef::Named("Tree".to_owned());
    assert_eq!(Tree::describe(&mut registry), name);
    assert_eq!(Tree::describe(&mut registry), name);
    let model = Model::from_descriptor(&registry.descriptor()).unwrap();
    let names: Vec<&str> = model.types.iter().map(|def| def.name.source.as_str()).collect();
    assert_eq!(names, ["Label", "LeafString", "LeafU32", "Tree"]);
    let tree = model.type_named("Tree").unwrap();
    assert_eq!(tree.docs.lines, [" A tree.", "", " With leaves."]);
    let pair = TypeRef::Array(Box::new(named("Tree")), 2);
    let by_name = TypeRef::Map(Box::new(scalar(Scalar::String)), Box::new(pair));
    let expected = [
        ("by_name", None, &by_name),
        ("foreign", None, &scalar(Scalar::Any)),
        ("other", None, &optional(named("LeafString"))),
        ("branches", Some(1), &list(named("Tree"))),
        ("leaf", Some(2), &named("LeafU32")),
    ];
    assert_eq!(fields(tree), expected);
    let leaf = model.type_named("LeafU32").unwrap();
    let Body::Union(variants) = &leaf.body else { panic!("{leaf:?}") };
    let bodies: Vec<_> = variants.iter().map(|v| (v.name.source.as_str(), v.id)).collect();
    assert_eq!(bodies, [("One", None), ("Pair", None), ("None", Some(1))]);
    assert_eq!(variants[0].body, VariantBody::Newtype(Box::new(scalar(Scalar::U32))));
    assert!(leaf.closed, "without a place for what is unknown");
    let label = model.type_named("Label").unwrap();
    assert_eq!(label.body, Body::Newtype(Box::new(scalar(Scalar::String))));
}

fn int(number: i128) -> Value {
    Value::Int(number)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// An item of a contract, by the numbers of its entries.
fn item(entries: &[(i128, Value)]) -> Vec<u8> {
    let entries = entries.iter().map(|(key, value)| (int(*key), value.clone())).collect();
    encode(&Value::Map(entries)).unwrap()
}

/// One service, one topic and one contract of the same names in each package.
fn describe_package(
    registry: &mut Registry,
    package: &'static str,
    target: &'static str,
    zip: i128,
) {
    registry.service("Users", Some(package), &[target], |_, name| {
        let get = Value::Map(vec![(int(0), text("get"))]);
        item(&[
            (0, text(name)),
            (1, text("users")),
            (2, text(package)),
            (3, Value::List(vec![get])),
        ])
    });
    registry.topic("Moved", |_| {
        item(&[(0, text("Moved")), (2, Value::List(vec![text("moved")])), (3, int(zip))])
    });
    let users = Value::List(vec![text("Users")]);
    let moved = Value::List(vec![text("Moved")]);
    registry.contract("Shop", &item(&[(0, text("Shop")), (2, users), (4, moved)]));
}

/// `[IDL.desc.8]`: of two things of one name the later is renamed, and its contract follows.
#[test]
fn what_has_a_name_that_is_taken_gets_another_one() {
    let mut registry = Registry::new();
    // Whatever is described again is the same thing.
    for _ in 0..2 {
        describe_package(&mut registry, "a", "a.users.get", 4);
        describe_package(&mut registry, "b", "b.users.get", 13);
    }
    let model = Model::from_descriptor(&registry.descriptor()).unwrap();
    let services: Vec<_> =
        model.services.iter().map(|s| (&*s.name.source, s.package.as_deref())).collect();
    assert_eq!(services, [("Users", Some("a")), ("Users_2", Some("b"))]);
    let topics: Vec<_> = model.topics.iter().map(|t| (&*t.name.source, &t.payload)).collect();
    let (number, string) = (scalar(Scalar::U32), scalar(Scalar::String));
    assert_eq!(topics, [("Moved", &number), ("Moved_2", &string)]);
    let contracts: Vec<_> =
        model.contracts.iter().map(|c| (&*c.name.source, &*c.server[0], &*c.topics[0])).collect();
    assert_eq!(contracts, [("Shop", "Users", "Moved"), ("Shop_2", "Users_2", "Moved_2")]);
}

//! What types say about themselves at run time.

use fluxar::Type;
use fluxar::service::describe::{self as described, Registry};
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

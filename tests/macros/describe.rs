//! What types say about themselves at run time.

use fluxar::Type;
use fluxar::service::describe::{FieldDef, Registry, TypeBody, TypeRef, VariantDef};
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
    foreign: std::time::Duration,
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

fn leaf_body(of: &'static str) -> TypeBody {
    let pair = [FieldDef::new("left", TypeRef::Scalar(of)), FieldDef::new("right", named("Label"))];
    TypeBody::union([
        VariantDef::new("None", TypeBody::unit()).id(1),
        VariantDef::new("One", TypeBody::newtype(TypeRef::Scalar(of))).docs("One."),
        VariantDef::new("Pair", TypeBody::record(pair)),
    ])
}

#[test]
fn a_type_describes_itself_and_what_it_is_made_of_once() {
    let mut registry = Registry::new();
    assert_eq!(Tree::describe(&mut registry), named("Tree"));
    assert_eq!(Tree::describe(&mut registry), named("Tree"));
    let types: Vec<_> = registry.types().collect();
    let names: Vec<&str> = types.iter().map(|def| def.name.as_str()).collect();
    assert_eq!(names, ["Tree", "Leaf", "Label", "Leaf_2"]);
    assert_eq!(types[0].docs, "A tree.\n\nWith leaves.");
    let pair = TypeRef::Array(Box::new(named("Tree")), 2);
    let fields = [
        FieldDef::new("branches", TypeRef::List(Box::new(named("Tree")))).id(1).docs("Below it."),
        FieldDef::new("leaf", named("Leaf")).id(2).defaulted(true),
        FieldDef::new("other", TypeRef::Optional(Box::new(named("Leaf_2")))),
        FieldDef::new("by_name", TypeRef::Map(Box::new(TypeRef::Scalar("string")), Box::new(pair))),
        FieldDef::new("foreign", TypeRef::Scalar("any")),
    ];
    assert_eq!(types[0].body, TypeBody::record(fields));
    assert_eq!(types[1].body, leaf_body("u32"));
    assert_eq!(types[2].body, TypeBody::newtype(TypeRef::Scalar("string")));
    assert_eq!(types[3].body, leaf_body("string"));
}

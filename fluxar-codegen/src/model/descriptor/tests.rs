//! The rules of descriptors: `[IDL.desc.1]`, `[IDL.desc.2]`, `[IDL.desc.3]`, `[IDL.desc.4]`,
//! `[IDL.desc.5]`, `[IDL.desc.6]` and `[IDL.desc.7]`.

use super::item::{DOCS, Item};
use crate::model::{Contract, ErrorCode, Package};
use crate::tests::contracts::model;
use crate::tests::shop;
use proptest::prelude::*;

fn shop() -> Package<Contract> {
    shop::shop()
}

#[test]
fn a_descriptor_is_read_back_as_the_same_contract() {
    let bytes = shop().descriptor();
    let read = Package::from_descriptor(&bytes).expect("it was written here");
    assert_eq!(read.descriptor(), bytes);
    assert_eq!(read.hash(), shop().hash());
    assert_eq!(read.level, Some(4));
    assert_eq!(read.types.len(), shop().types.len());
}

#[test]
fn order_and_documentation_are_not_hashed_and_everything_else_is() {
    let (mut other, hash) = (shop(), shop().hash());
    other.types.reverse();
    other.services.reverse();
    other.docs.lines.push(" Another sentence.".to_owned());
    assert_eq!(other.hash(), hash);
    assert_ne!(other.descriptor(), shop().descriptor());
    other.types[0].closed ^= true;
    assert_ne!(other.hash(), hash);
}

#[test]
fn names_that_no_source_may_say_are_refused() {
    for name in ["", "a b", "x;", "é", "1a", "a.b", "a\"", "class A{}"] {
        let mut contract = shop();
        contract.types[0].name.source = name.to_owned();
        let refused = Package::from_descriptor(&contract.descriptor());
        assert!(refused.is_err(), "{name:?}");
    }
}

#[test]
fn errors_say_where() {
    let Item::Map(mut entries) = Item::decode(&shop().descriptor()).expect("fine") else {
        panic!("a map")
    };
    entries.push((99, Item::Null));
    let error = Package::from_descriptor(&Item::Map(entries).encode()).expect_err("unknown key");
    assert!(error.to_string().contains("an unknown key at /99"), "{error}");
    let error = Package::from_descriptor(&[0xa1, 0x00, 0x02]).expect_err("version 2");
    assert!(error.to_string().contains("another version"), "{error}");
}

/// `[IDL.desc.3]`
#[test]
fn what_is_empty_is_left_out_and_refused_where_it_is_not() {
    let mut contract = shop();
    let bare = shop().descriptor();
    let nothing = ErrorCode { code: None, message: None, retry: false };
    let plain = contract.types.iter_mut().find(|def| def.code.is_none()).expect("most are");
    let name = plain.name.source.clone();
    plain.code = Some(nothing);
    assert_eq!(contract.descriptor(), bare, "a code that says nothing is none");
    // The same with an empty map written out: behind key 6, where it would stand.
    for (key, place) in [(6, "constraints"), (7, "code"), (9, "life")] {
        let Item::Map(mut package) = Item::decode(&bare).expect("fine") else { panic!("a map") };
        let types = package.iter_mut().find(|(key, _)| *key == 3).expect("types");
        let Item::Array(types) = &mut types.1 else { panic!("a list") };
        let named = |entries: &[(u64, Item)]| entries[0].1 == Item::text(&name);
        let entries = types.iter_mut().find_map(|def| match def {
            Item::Map(entries) if named(entries) => Some(entries),
            _ => None,
        });
        let entries = entries.expect("it is there");
        entries.retain(|(other, _)| *other != key);
        let at = entries.iter().position(|(other, _)| *other > key).unwrap_or(entries.len());
        entries.insert(at, (key, Item::Map(Vec::new())));
        let refused = Package::from_descriptor(&Item::Map(package).encode());
        let error = refused.expect_err(place).to_string();
        assert!(error.contains("an empty map"), "{place}: {error}");
    }
}

/// Sinks have no names in descriptors: what is read has one that no parameter has.
#[test]
fn a_parameter_named_as_the_sink_leaves_it_another_name() {
    let written = model("service S { f(out: u8, items: stream u8) -> stream u8 then u8 }");
    let read = Package::from_descriptor(&written.descriptor()).expect("it was written here");
    for model in [&written, &read] {
        let names: Vec<&str> =
            model.services[0].methods[0].arguments.iter().map(|a| &*a.name().source).collect();
        assert_eq!(names, ["out", "items", "out_"]);
    }
}

#[test]
fn what_is_not_deterministic_is_refused() {
    for (bytes, what) in [
        (&[0xa1, 0x18, 0x00, 0x01][..], "a long key"),
        (&[0xa2, 0x01, 0x60, 0x00, 0x01], "keys that fall"),
        (&[0xa2, 0x00, 0x01, 0x00, 0x01], "a key twice"),
        (&[0xbf, 0x00, 0x01, 0xff], "an indefinite map"),
        (&[0xa1, 0x00, 0x01, 0x00], "something behind it"),
        (&[0xc0, 0xa1, 0x00, 0x01], "a tag"),
        (&[0xa1, 0x60, 0x01], "a text as key"),
        (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "a huge list"),
        (&[], "nothing"),
    ] {
        assert!(Package::from_descriptor(bytes).is_err(), "{what}");
    }
    let deep = [vec![0x81; 1000], vec![0x80]].concat();
    assert!(Item::decode(&deep).is_err());
    assert!(Item::decode(&vec![0x40; super::BYTES_MAX + 1]).is_err());
}

fn item() -> impl Strategy<Value = Item> {
    let leaf = prop_oneof![
        (-(1_i128 << 64)..(1 << 64)).prop_map(Item::Int),
        any::<Vec<u8>>().prop_map(Item::Bytes),
        any::<String>().prop_map(Item::Text),
        any::<bool>().prop_map(Item::Bool),
        Just(Item::Null),
        (-1e300..1e300).prop_map(Item::Float),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Item::Array),
            proptest::collection::btree_map(any::<u64>(), inner, 0..6)
                .prop_map(|map| Item::Map(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn items_come_back(item in item()) {
        prop_assert_eq!(Item::decode(&item.encode()), Ok(item));
    }

    #[test]
    fn what_is_read_is_written_the_same(bytes in any::<Vec<u8>>()) {
        if let Ok(item) = Item::decode(&bytes) {
            prop_assert_eq!(item.encode(), bytes);
        }
    }

    /// A changed byte is refused, or means another contract: never the same one.
    #[test]
    fn changed_bytes_never_pass_for_the_same(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let bytes = shop().descriptor();
        let mut changed = bytes.clone();
        let at = at.index(changed.len());
        prop_assume!(changed[at] != to);
        changed[at] = to;
        if let Ok(read) = Package::from_descriptor(&changed) {
            prop_assert_ne!(read.descriptor(), bytes);
        }
    }

    #[test]
    fn documentation_is_left_out_everywhere(item in item()) {
        fn has_docs(item: &Item) -> bool {
            match item {
                Item::Array(items) => items.iter().any(has_docs),
                Item::Map(entries) => {
                    entries.iter().any(|(key, value)| *key == DOCS || has_docs(value))
                }
                _ => false,
            }
        }
        prop_assert!(!has_docs(&item.without_docs()));
    }
}

//! Every contract file of `idl/`, through a build script.

use fluxar::Status;
use fluxar::payload::{Keys, Mode, decode, decode_with, encode, encode_with};
use fluxar::service::describe::Registry;
use fluxar_codegen::check;
use fluxar_codegen::model::Model;
use fluxar_codegen::sample::{Origin, value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::path::PathBuf;

include!(concat!(env!("OUT_DIR"), "/contracts.rs"));

/// A contract file.
struct Row {
    package: &'static str,
    describe: fn(&mut Registry),
    /// Each type with what reads a value of it, writes it in both key modes, and reads it again; and
    /// with what checks the constraints of a value.
    types: &'static [(&'static str, fn(&[u8]), Check)],
}

type Check = fn(&[u8]) -> Result<(), Status>;

fn checks<T: DeserializeOwned>(bytes: &[u8]) -> Result<(), Status> {
    decode_with::<T>(bytes, true).map(drop)
}

/// Values of each type.
const VALUES: u64 = 200;

#[track_caller]
fn returns<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    let value: T = decode(bytes).unwrap_or_else(|status| panic!("{status} {bytes:02x?}"));
    for keys in [Keys::Names, Keys::Numbers] {
        let sent = encode_with(&value, Mode::unchecked(keys)).unwrap();
        assert_eq!(decode::<T>(&sent).unwrap(), value, "{sent:02x?}");
    }
    let json = serde_json::to_vec(&value);
    if let Ok(json) = json {
        // Keys of maps that are numbers are text in JSON, which has nothing else.
        let read: Result<T, _> = serde_json::from_slice(&json);
        assert!(read.is_ok() || String::from_utf8_lossy(&json).contains("\":"));
    }
}

fn models() -> Vec<Model> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../idl");
    let files = check::contract_files(&root).unwrap();
    let models = check::load(&[root], &files).models;
    assert!(models.len() > 10, "the corpus is there");
    models
}

fn row(model: &Model) -> &'static Row {
    let package = model.name.as_deref().unwrap_or("contract");
    ROWS.iter().find(|row| row.package == package).unwrap()
}

/// describe(emit_rust(model)) = model, byte for byte.
#[test]
fn what_was_compiled_describes_itself_as_the_file_does() {
    for model in models() {
        let mut registry = Registry::new();
        (row(&model).describe)(&mut registry);
        let described = registry.descriptor();
        let read = Model::from_descriptor(&described).unwrap();
        let expected = Model::from_descriptor(&model.descriptor()).unwrap();
        // One by one, for a message that a person can read.
        for (read, expected) in read.types.iter().zip(&expected.types) {
            assert_eq!(read, expected, "{:?}", model.name);
        }
        for (read, expected) in read.services.iter().zip(&expected.services) {
            assert_eq!(read, expected, "{:?}", model.name);
        }
        assert_eq!(read, expected);
        assert_eq!(described, model.descriptor());
        assert_eq!(read.hash(), model.hash());
    }
}

#[test]
fn random_values_come_back_in_both_key_modes() {
    for model in models() {
        for (name, returns, _) in row(&model).types {
            for seed in 1..=VALUES {
                returns(&value(&model, name, seed, Origin::Foreign));
            }
        }
    }
}

/// What is made for trying a change is what the contract allows.
#[test]
fn own_values_keep_the_constraints_of_their_contract() {
    for model in models() {
        for (name, _, checked) in row(&model).types {
            for seed in 1..=VALUES {
                let bytes = value(&model, name, seed, Origin::Own);
                let refused = checked(&bytes).err();
                assert!(refused.is_none(), "{name}: {refused:?} {bytes:02x?}");
            }
        }
    }
}

/// The reserved method, from either side.
#[tokio::test]
async fn a_peer_describes_what_it_serves() {
    let pair = fluxar::testing::pair().build().await.unwrap();
    let double = |n: u64| async move { Ok::<_, Status>(n * 2) };
    pair.server.handle("math.double", double);
    pair.server.handle("shop.v1.users.extra", double);
    pair.server.describe(shop_v1::describe);
    let bytes: fluxar::Value = pair.client.call("fluxar.describe", &()).await.unwrap();
    let read = Model::from_descriptor(&encode(&bytes).unwrap()).unwrap();
    let names: Vec<&str> = read.services.iter().map(|s| s.name.source.as_str()).collect();
    assert_eq!(names, ["Approvals", "Llm", "Users", "math", "users"]);
    assert_eq!(read.service_named("math").unwrap().methods[0].name.source, "double");
    let back: fluxar::Value = pair.peer.call("fluxar.describe", &()).await.unwrap();
    let read = Model::from_descriptor(&encode(&back).unwrap()).unwrap();
    assert_eq!(read, Model::empty(None));
}

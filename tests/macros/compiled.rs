//! Contract files through a build script.

use fluxar::service::describe::Registry;
use fluxar_codegen::check;
use fluxar_codegen::model::Model;
use std::path::PathBuf;

pub mod shop {
    include!(concat!(env!("OUT_DIR"), "/shop.v1.rs"));
}

fn model(package: &str) -> Model {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../idl");
    let files = check::contract_files(&root).unwrap();
    let loaded = check::load(&[root], &files);
    let is_it = |model: &Model| model.name.as_deref() == Some(package);
    loaded.models.into_iter().find(is_it).unwrap()
}

/// describe(emit_rust(model)) = model, byte for byte.
#[test]
fn what_was_compiled_describes_itself_as_the_file_does() {
    let model = model("shop.v1");
    let mut registry = Registry::new();
    shop::describe(&mut registry);
    let described = registry.descriptor();
    let read = Model::from_descriptor(&described).unwrap();
    let mut expected = Model::from_descriptor(&model.descriptor()).unwrap();
    // One by one, for a message that a person can read.
    for (read, expected) in read.types.iter().zip(&expected.types) {
        assert_eq!(read, expected);
    }
    for (read, expected) in read.services.iter().zip(&expected.services) {
        assert_eq!(read, expected);
    }
    assert_eq!(read, expected);
    assert_eq!(described, model.descriptor());
    assert_eq!(read.hash(), model.hash());
    expected.level = None;
    assert_ne!(expected.hash(), model.hash());
}

/// The reserved method, from either side.
#[tokio::test]
async fn a_peer_describes_what_it_serves() {
    let pair = fluxar::testing::pair().build().await.unwrap();
    let double = |n: u64| async move { Ok::<_, fluxar::Status>(n * 2) };
    pair.server.handle("math.double", double);
    pair.server.handle("shop.v1.users.extra", double);
    pair.server.describe(shop::describe);
    let bytes: fluxar::Value = pair.client.call("fluxar.describe", &()).await.unwrap();
    let bytes = fluxar::payload::encode(&bytes).unwrap();
    let read = Model::from_descriptor(&bytes).unwrap();
    let names: Vec<&str> = read.services.iter().map(|s| s.name.source.as_str()).collect();
    assert_eq!(names, ["Approvals", "Llm", "Users", "math", "users"]);
    assert_eq!(read.service_named("math").unwrap().methods[0].name.source, "double");
    let back: fluxar::Value = pair.peer.call("fluxar.describe", &()).await.unwrap();
    let read = Model::from_descriptor(&fluxar::payload::encode(&back).unwrap()).unwrap();
    assert_eq!(read, Model::empty(None));
}

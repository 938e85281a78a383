//! Printing and parsing give the model back, and the example compiles as it stands.

use super::model;
use crate::emit::idl::print;

const SHOP: &str = include_str!("../../../../idl/shop.fluxar");

#[test]
fn the_example_compiles_as_it_stands() {
    let shop = model(SHOP);
    assert_eq!(shop.name.as_deref(), Some("shop.v1"));
    assert_eq!(shop.level, Some(4));
    assert_eq!(shop.services.len(), 3);
    assert_eq!(shop.services.iter().map(|service| service.methods.len()).sum::<usize>(), 8);
    assert!(shop.type_named("PageUser").is_some());
    assert_eq!(shop.contracts[0].client, ["Approvals"]);
    assert_eq!(shop.topics[0].name.wire, "orders.*.*");
}

#[test]
fn what_is_printed_is_read_back() {
    let shop = model(SHOP);
    let printed = print(&shop);
    let again = model(&printed);
    assert_eq!(again, shop, "{printed}");
    assert_eq!(again.hash(), shop.hash());
    assert_eq!(crate::syntax::format(&printed).unwrap(), printed, "printing formats");
}

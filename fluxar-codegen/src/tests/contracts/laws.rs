//! Printing and parsing give the model back, and the example compiles as it stands.

use super::model;
use super::random::{self, Rng};
use crate::emit::idl::print;
use crate::model::Model;
use crate::syntax::{Kind, format, lex};
use proptest::prelude::*;

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
    assert_eq!(format(&printed).unwrap(), printed, "printing formats");
}

/// What a seed's contract comes back as.
fn check_laws(seed: u64) {
    let made = random::model(seed);
    let printed = print(&made);
    let read = model(&printed);
    assert!(read == made, "seed {seed}: {}\n{printed}", difference(&read, &made));
    let bytes = made.descriptor();
    let described = Model::from_descriptor(&bytes).unwrap();
    assert_eq!(described.descriptor(), bytes, "seed {seed}");
    let again = model(&print(&described));
    assert_eq!(again.hash(), made.hash(), "seed {seed}: through descriptor and print");
    assert_eq!(again.descriptor(), bytes, "seed {seed}: docs too");
    let formatted = format(&printed).unwrap();
    assert_eq!(formatted, printed, "seed {seed}: printing formats");
}

#[test]
fn a_thousand_contracts_are_printed_and_read_back() {
    for seed in 0..1000 {
        check_laws(seed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_contract_is_printed_and_read_back(seed: u64) {
        check_laws(seed);
    }

    /// Whatever stands between the tokens: the same tokens come out, and formatting is finished
    /// after one time.
    #[test]
    fn formatting_keeps_the_tokens(seed: u64) {
        let printed = print(&random::model(seed));
        let mut rng = Rng(seed);
        let mut shaken = String::new();
        for token in lex(&printed) {
            let text = token.span.of(&printed);
            shaken.push_str(text);
            // A comment ends with its line; between words there must be something.
            let space = ["", " ", "\n", "\t \n\n", " // c\n", "\n\n\n"];
            if token.kind == Kind::Space {
                shaken.push_str(space[rng.below(space.len())]);
            }
        }
        let formatted = format(&shaken).unwrap();
        prop_assert_eq!(tokens(&formatted), tokens(&shaken), "{}", shaken);
        prop_assert_eq!(format(&formatted).unwrap(), formatted);
    }
}

/// The first line that differs.
fn difference(read: &Model, made: &Model) -> String {
    let (read, made) = (format!("{read:#?}"), format!("{made:#?}"));
    let mut lines = read.lines().zip(made.lines()).enumerate();
    let first = lines.find(|(_, (read, made))| read != made);
    let Some((at, (is, was))) = first else { return "a longer one".to_owned() };
    let before: Vec<&str> = made.lines().skip(at.saturating_sub(20)).take(20).collect();
    format!("{}\n{is}\n instead of\n{was}", before.join("\n"))
}

/// The tokens, without spaces and commas, which come and go.
fn tokens(source: &str) -> Vec<&str> {
    let kept = |kind| !matches!(kind, Kind::Space | Kind::Comma);
    let tokens = lex(source).into_iter().filter(|token| kept(token.kind));
    tokens.map(|token| token.span.of(source).trim_end()).collect()
}

//! Printing and parsing give the model back, and the example compiles as it stands.

use super::random::{self, Rng};
use super::{broken, model};
use crate::emit::idl::print;
use crate::model::Model;
use crate::syntax::{Kind, assign_ids, format, lex};
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

/// The example with any gaps between its tokens, comments in all of them.
fn shaken(source: &str, rng: &mut Rng) -> String {
    let tokens = lex(source);
    let mut shaken = String::new();
    let mut before: Option<Kind> = None;
    let mut gap = "";
    for token in &tokens {
        let text = token.span.of(source);
        if token.kind == Kind::Space {
            gap = text;
            continue;
        }
        let ends_line = matches!(before, Some(Kind::Comment | Kind::Doc));
        let needs_space = before.is_some_and(|before| is_wordy(before) && is_wordy(token.kind));
        match rng.below(12) {
            _ if ends_line => shaken.push_str(["\n", "\n\n", " \n\t\n\n"][rng.below(3)]),
            0 => shaken.push('\n'),
            1 => shaken.push_str(" // c\n"),
            2 => shaken.push_str("\n\n// c\n\n"),
            3 => shaken.push_str(" \t "),
            4..8 if !needs_space => {}
            _ => shaken.push_str(if gap.is_empty() { " " } else { gap }),
        }
        shaken.push_str(text);
        (before, gap) = (Some(token.kind), "");
    }
    shaken
}

/// Two of these without a space between them would be other tokens.
fn is_wordy(kind: Kind) -> bool {
    let loose = [Kind::Name, Kind::Int, Kind::Float, Kind::Quantity, Kind::Dot, Kind::DotDot];
    loose.contains(&kind) || matches!(kind, Kind::Comment | Kind::Doc | Kind::Minus | Kind::Spread)
}

#[test]
fn formatting_the_example_changes_nothing_that_it_says() {
    let shop = model(SHOP);
    for seed in 0..150 {
        let shaken = shaken(SHOP, &mut Rng(seed));
        let formatted = format(&shaken).unwrap();
        assert_eq!(tokens(&formatted), tokens(&shaken), "seed {seed}\n{shaken}");
        assert_eq!(format(&formatted).unwrap(), formatted, "seed {seed}\n{shaken}");
        assert_eq!(model(&formatted), shop, "seed {seed}\n{formatted}");
    }
}

/// `then` goes on with a stream's result, but for a method of that name behind it.
#[test]
fn a_method_may_be_named_then() {
    let read = model("service S {\n  a() -> stream u8\n  then() -> stream u8 then u16\n}");
    let names: Vec<&str> =
        read.services[0].methods.iter().map(|method| method.name.source.as_str()).collect();
    assert_eq!(names, ["a", "then"]);
}

/// Records that spread each other's fields, some numbered and some not. Written numbers differ.
fn joined_records(rng: &mut Rng) -> String {
    let count = 2 + rng.below(7);
    let mut text = String::new();
    let mut used = 0;
    for at in 0..count {
        text.push_str(&format!("record R{at} {{\n"));
        // A field comes in on one way only, so that no name stands twice.
        if at + 1 < count && rng.chance(2) {
            text.push_str(&format!("  ...R{}\n", at + 1));
        } else if at + 2 < count && rng.chance(3) {
            text.push_str(&format!("  ...R{}\n", at + 2));
        }
        for field in 0..rng.below(4) {
            used += 1 + rng.below(3);
            let id = if rng.chance(3) { format!("{used} ") } else { String::new() };
            text.push_str(&format!("  {id}f{at}_{field}: u8\n"));
        }
        text.push_str("}\n");
    }
    text
}

#[test]
fn numbers_that_are_assigned_collide_with_none() {
    for seed in 0..1000 {
        let source = joined_records(&mut Rng(seed));
        let numbered = assign_ids(&source).unwrap();
        assert_eq!(broken(&numbered), Vec::<&str>::new(), "seed {seed}\n{source}\n{numbered}");
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

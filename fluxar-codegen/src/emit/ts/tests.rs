//! What the emitter promises whatever the contract says. That its output compiles and survives
//! random values is tested by `tests/clients/ts/run`.

use super::{generate, module, module_name};
use crate::model::{Body, Docs, Value};
use crate::tests::shop::shop;

/// What is left of a module without its comments and string literals.
fn code(module: &str) -> String {
    let mut out = String::new();
    let mut rest = module;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if c == '"' {
            literal(rest)
        } else {
            out.push(c);
            c.len_utf8()
        };
        rest = &rest[skipped..];
    }
    out
}

/// The length of the string literal at the front.
fn literal(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            '\n' => panic!("a line ends within a string literal"),
            _ => {}
        }
    }
    panic!("a string literal does not end");
}

#[test]
fn a_module_has_everything_that_its_contract_names() {
    let package = shop();
    let text = module(&package);
    for def in &package.types {
        assert!(text.contains(&format!("export const {}Codec", def.name.source)), "{:?}", def.name);
    }
    for service in &package.services {
        let name = &service.name.source;
        assert!(text.contains(&format!("export class {name}Client ")), "{name}");
        assert!(text.contains(&format!("export function serve{name}(")), "{name}");
        for method in &service.methods {
            let target = format!("target: \"{}\"", service.target(method));
            assert!(text.contains(&target), "{target}");
        }
    }
}

#[test]
fn the_runtime_is_written_beside_the_module() {
    let package = shop();
    let files = generate(&package);
    assert_eq!(files[0].0, format!("{}.ts", module_name(&package)));
    assert!(files.iter().any(|(path, _)| path == "fluxar/index.ts"));
    assert!(files.iter().all(|(path, _)| !path.contains("..") && !path.starts_with('/')));
}

#[test]
fn text_of_a_contract_is_never_code() {
    const EVIL: &str = "\"); evil(); //*/ evil(); \u{2028} evil() `${evil()}` \\\" evil()\n evil()";
    let mut package = shop();
    let docs = || Docs { lines: EVIL.lines().map(str::to_owned).collect() };
    package.docs = docs();
    for def in &mut package.types {
        def.docs = docs();
        EVIL.clone_into(&mut def.name.wire);
        if let Body::Record(fields) = &mut def.body {
            for field in fields {
                field.docs = docs();
                EVIL.clone_into(&mut field.name.wire);
                field.lifecycle.was = vec![EVIL.to_owned()];
                if matches!(field.default, Some(Value::Text(_))) {
                    field.default = Some(Value::Text(EVIL.to_owned()));
                }
            }
        }
    }
    for service in &mut package.services {
        service.docs = docs();
        for method in &mut service.methods {
            method.docs = docs();
            EVIL.clone_into(&mut method.name.wire);
        }
    }
    let text = module(&package);
    assert!(text.contains("evil"), "the text is there");
    let code = code(&text);
    assert!(!code.contains("evil"), "{code}");
}

#[test]
fn a_contract_has_the_same_hash_in_its_module() {
    let package = shop();
    let hash: String = package.hash().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(module(&package).contains(&format!("export const HASH = \"{hash}\";")));
}

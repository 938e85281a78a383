//! Names of a contract as names of TypeScript.

use crate::front::pascal_case;
use crate::model::{Contract, Package};
use std::collections::{HashMap, HashSet};

/// Words that cannot name a type, a function or a parameter, and globals that generated code uses.
const TAKEN: &[&str] = &[
    "any",
    "arguments",
    "as",
    "async",
    "await",
    "bigint",
    "boolean",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "constructor",
    "continue",
    "debugger",
    "declare",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "from",
    "function",
    "get",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "is",
    "keyof",
    "let",
    "module",
    "namespace",
    "never",
    "new",
    "null",
    "number",
    "object",
    "of",
    "package",
    "private",
    "protected",
    "public",
    "require",
    "return",
    "set",
    "static",
    "string",
    "super",
    "switch",
    "symbol",
    "this",
    "throw",
    "true",
    "try",
    "type",
    "typeof",
    "undefined",
    "unknown",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "Array",
    "AsyncIterable",
    "AsyncIterator",
    "BigInt",
    "Boolean",
    "DESCRIPTOR",
    "Error",
    "Function",
    "Infinity",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Partial",
    "Promise",
    "Readonly",
    "ReadonlyMap",
    "Record",
    "RegExp",
    "Set",
    "String",
    "Symbol",
    "Uint8Array",
    "globalThis",
];

/// Properties that every object has: whether there is one of its own must be asked.
const INHERITED: &[&str] = &[
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// Members that classes of clients, or objects that are awaited, cannot have.
const MEMBERS: &[&str] = &["constructor", "prototype", "then", "__proto__"];

/// `display_name` → `displayName`. Underscores at the ends stay.
pub(super) fn camel(name: &str) -> String {
    let inner = name.trim_matches('_');
    let start = name.len() - name.trim_start_matches('_').len();
    let mut out = name[..start].to_owned();
    let mut upper = false;
    for c in inner.chars() {
        if c == '_' {
            upper = true;
        } else if upper {
            out.extend(c.to_uppercase());
            upper = false;
        } else {
            out.push(c);
        }
    }
    if !inner.is_empty() {
        out.push_str(&name[start + inner.len()..]);
    }
    out
}

/// `Users` → `users`, `display_name` → `displayName`.
pub(super) fn lower_camel(name: &str) -> String {
    let name = camel(name);
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

/// `tool_call` → `ToolCall`.
pub(super) fn upper_camel(name: &str) -> String {
    let name = pascal_case(name);
    if name.is_empty() { "X".to_owned() } else { name }
}

/// True when this is an identifier by the grammar that generated code keeps to.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether every object has a property of that name.
pub(super) fn is_inherited(name: &str) -> bool {
    INHERITED.contains(&name)
}

/// The property of a type: its name, or in quotes what is none.
pub(super) fn property(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { super::text::quote(name) }
}

/// The property of an object that is built: `__proto__` would set the prototype.
pub(super) fn built_property(name: &str) -> String {
    if name == "__proto__" { "[\"__proto__\"]".to_owned() } else { property(name) }
}

/// The method of a client or service.
pub(super) fn member(name: &str) -> String {
    let name = camel(name);
    if MEMBERS.contains(&name.as_str()) { name + "_" } else { name }
}

/// A parameter of a function.
pub(super) fn parameter(name: &str) -> String {
    let name = camel(name);
    if TAKEN.contains(&name.as_str()) || ["params", "options", "context"].contains(&name.as_str()) {
        name + "_"
    } else {
        name
    }
}

/// Names beside each other, each its own: one that is taken gets `_` behind it.
pub(super) fn distinct(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut used = HashSet::new();
    names.into_iter().map(|name| claim(&mut used, name)).collect()
}

fn claim(used: &mut HashSet<String>, mut name: String) -> String {
    while !used.insert(name.clone()) {
        name.push('_');
    }
    name
}

/// The names of a module.
#[derive(Debug)]
pub(super) struct Names {
    used: HashSet<String>,
    types: HashMap<String, String>,
    derived: HashMap<(&'static str, String), String>,
}

impl Names {
    /// Types first, then services, topics and contracts: what is written in the contract keeps its
    /// name, what follows from it gives way.
    pub(super) fn of(package: &Package<Contract>) -> Self {
        let used = TAKEN.iter().map(|name| (*name).to_owned()).collect();
        let mut names = Self { used, types: HashMap::new(), derived: HashMap::new() };
        for def in &package.types {
            let name = claim(&mut names.used, plain(&def.name.source));
            names.types.insert(def.name.source.clone(), name);
        }
        for service in &package.services {
            names.derive("service", &service.name.source, "", "");
        }
        for contract in &package.contracts {
            names.derive("contract", &contract.name.source, "", "");
        }
        for def in &package.types {
            names.derive("codec", &def.name.source, "", "Codec");
            if def.is_error {
                names.derive("is", &def.name.source, "is", "");
                let make = lower_camel(&def.name.source);
                let make = claim(&mut names.used, make);
                names.derived.insert(("make", def.name.source.clone()), make);
            }
        }
        for service in &package.services {
            names.derive("client", &service.name.source, "", "Client");
            names.derive("serve", &service.name.source, "serve", "");
        }
        for topic in &package.topics {
            names.derive("key", &topic.name.source, "", "Key");
            names.derive("topic", &topic.name.source, "", "Topic");
        }
        for contract in &package.contracts {
            for (kind, suffix) in [
                ("client_offer", "ClientOffer"),
                ("server_offer", "ServerOffer"),
                ("remote", "Remote"),
            ] {
                names.derive(kind, &contract.name.source, "", suffix);
            }
        }
        names
    }

    fn derive(&mut self, kind: &'static str, source: &str, before: &str, behind: &str) {
        let base = if before.is_empty() { plain(source) } else { upper_camel(source) };
        let name = claim(&mut self.used, format!("{before}{base}{behind}"));
        self.derived.insert((kind, source.to_owned()), name);
    }

    /// A further name of the module.
    pub(super) fn claim(&mut self, name: &str) -> String {
        claim(&mut self.used, name.to_owned())
    }

    /// The type of that name in the contract.
    pub(super) fn class<'n>(&'n self, source: &'n str) -> &'n str {
        self.types.get(source).map_or(source, String::as_str)
    }

    /// What follows from a type, service, topic or contract.
    pub(super) fn derived(&self, kind: &'static str, source: &str) -> &str {
        self.derived
            .get(&(kind, source.to_owned()))
            .map(String::as_str)
            .expect("every name is derived before anything is written")
    }
}

/// A name as a type's: what is no identifier becomes one.
fn plain(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if is_identifier(&name) { name } else { format!("_{name}") }
}

/// `shop.v1` → `shop_v1`.
pub(super) fn module(package: Option<&str>) -> String {
    plain(package.unwrap_or("contract"))
}

#[cfg(test)]
mod tests {
    use super::{camel, distinct, lower_camel, member, upper_camel};

    #[test]
    fn names_change_their_case_and_nothing_else() {
        assert_eq!(camel("display_name"), "displayName");
        assert_eq!(camel("__proto__"), "__proto__");
        assert_eq!(camel("_a_b_"), "_aB_");
        assert_eq!(camel("x1_2"), "x12");
        assert_eq!(camel("_"), "_");
        assert_eq!(lower_camel("OrderEvents"), "orderEvents");
        assert_eq!(upper_camel("tool_call"), "ToolCall");
        assert_eq!(member("constructor"), "constructor_");
    }

    #[test]
    fn names_that_meet_stay_apart() {
        let names = ["fooBar", "fooBar", "fooBar_"].map(str::to_owned);
        assert_eq!(distinct(names), ["fooBar", "fooBar_", "fooBar__"]);
    }
}

//! Names of a contract as names of Python.

use crate::front::pascal_case;
use crate::model::{Body, Contract, Package, TypeDef, Variant};
use std::collections::{HashMap, HashSet};

/// Keywords of Python, and names that mean something inside of a class or function.
const TAKEN: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield", "self", "cls",
];

/// Builtins that generated code uses. A module's own names must not hide them.
const BUILTINS: &[&str] = &[
    "bool",
    "bytes",
    "classmethod",
    "dict",
    "float",
    "int",
    "list",
    "object",
    "property",
    "str",
    "super",
    "tuple",
    "type",
];

/// Attributes that every error has.
const ERROR_ATTRIBUTES: &[&str] = &[
    "add_note",
    "args",
    "code",
    "details",
    "fields",
    "message",
    "retry_after_ms",
    "type_name",
    "with_traceback",
];

/// Names in the signatures of clients.
const PARAMETERS: &[&str] = &[
    "timeout",
    "meta",
    "credit",
    "ctx",
    "group",
    "overflow",
    "retain",
    "value",
    "idempotency_key",
];

/// Names of the module itself.
const MODULE: &[&str] = &["CODECS", "DESCRIPTOR", "HASH", "PACKAGE"];

/// A name that is no keyword and has no meaning of its own.
pub(super) fn plain(name: &str) -> String {
    if name.starts_with('_') {
        // Private names are mangled in classes, and dunder names mean something.
        return format!("x{name}");
    }
    if TAKEN.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

/// The name of a field. Inside of a class it must not hide the types that annotations name.
pub(super) fn field(name: &str, names: &Names) -> String {
    let plain = plain(name);
    if names.classes.contains(&plain) { format!("{plain}_") } else { plain }
}

/// The name of an error's field.
pub(super) fn error_field(name: &str, names: &Names) -> String {
    let field = field(name, names);
    if ERROR_ATTRIBUTES.contains(&field.as_str()) { format!("{field}_") } else { field }
}

/// The name of a parameter, in a method of a client or server.
pub(super) fn parameter(name: &str, names: &Names) -> String {
    let field = field(name, names);
    if PARAMETERS.contains(&field.as_str()) { format!("{field}_") } else { field }
}

/// The name of a method.
pub(super) fn method(name: &str, names: &Names) -> String {
    field(name, names)
}

/// `tool_call` → `ToolCall`; what is in one case already keeps it.
pub(super) fn pascal(name: &str) -> String {
    let mut out = pascal_case(name);
    if name.starts_with('_') {
        out.insert(0, 'X');
    }
    out
}

/// `OrderEvents` → `order_events`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (index, c) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|i| letters.get(i));
        let after = letters.get(index + 1);
        let starts = before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            || (before.is_some_and(char::is_ascii_uppercase)
                && after.is_some_and(char::is_ascii_lowercase));
        if c.is_ascii_uppercase() && starts {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// `max_tokens` → `MAX_TOKENS`, for members of enums.
pub(super) fn member(name: &str) -> String {
    let upper = snake(name).to_ascii_uppercase();
    // Names in underscores are no members.
    if upper.starts_with('_') { format!("X{upper}") } else { upper }
}

/// Names that are all different.
#[derive(Debug, Default)]
pub(super) struct Distinct(HashSet<String>);

impl Distinct {
    /// The name, or one with underscores when it is there already.
    pub(super) fn take(&mut self, mut name: String) -> String {
        while !self.0.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

/// The names at the top of a module.
#[derive(Debug)]
pub(super) struct Names {
    types: HashMap<String, String>,
    variants: HashMap<(String, String), String>,
    /// Made from an item's, by what for.
    derived: HashMap<(&'static str, String), String>,
    /// Everything that annotations may name.
    classes: HashSet<String>,
}

impl Names {
    /// Gives every item of the package its name.
    pub(super) fn of(package: &Package<Contract>) -> Self {
        let mut taken = Distinct::default();
        for name in BUILTINS.iter().chain(MODULE).chain(TAKEN) {
            taken.take((*name).to_owned());
        }
        let mut names = Self {
            types: HashMap::new(),
            variants: HashMap::new(),
            derived: HashMap::new(),
            classes: HashSet::new(),
        };
        for def in &package.types {
            let class = taken.take(plain(&def.name.source));
            names.types.insert(def.name.source.clone(), class);
        }
        for def in &package.types {
            names.add_variants(def, &mut taken);
        }
        names.add_derived(package, &mut taken);
        names.classes = names.types.values().chain(names.variants.values()).cloned().collect();
        names
    }

    fn add_variants(&mut self, def: &TypeDef<Contract>, taken: &mut Distinct) {
        let Body::Union(variants) = &def.body else { return };
        let class = self.class(&def.name.source).to_owned();
        for Variant { name, .. } in variants {
            let variant = taken.take(format!("{class}{}", pascal(&name.source)));
            self.variants.insert((def.name.source.clone(), name.source.clone()), variant);
        }
        if def.is_error {
            let unknown = taken.take(format!("{class}Unknown"));
            self.derived.insert(("unknown", def.name.source.clone()), unknown);
        }
    }

    fn add_derived(&mut self, package: &Package<Contract>, taken: &mut Distinct) {
        let mut add = |kind: &'static str, source: &str, name: String| {
            self.derived.insert((kind, source.to_owned()), taken.take(name));
        };
        for service in &package.services {
            let source = &service.name.source;
            add("client", source, format!("{}Client", plain(source)));
            add("servicer", source, format!("{}Servicer", plain(source)));
            add("serve", source, format!("serve_{}", snake(source)));
        }
        for topic in &package.topics {
            let source = &topic.name.source;
            add("key", source, format!("{}Key", plain(source)));
            add("topic", source, format!("{}Topic", plain(source)));
        }
        for contract in &package.contracts {
            let source = &contract.name.source;
            add("contract", source, plain(source));
            add("peer", source, format!("{}Peer", plain(source)));
            add("listen", source, format!("listen_{}", snake(source)));
        }
    }

    /// The class of a type.
    pub(super) fn class<'n>(&'n self, source: &'n str) -> &'n str {
        self.types.get(source).map_or(source, String::as_str)
    }

    /// The class of a variant.
    pub(super) fn variant(&self, of: &str, variant: &str) -> String {
        let key = (of.to_owned(), variant.to_owned());
        self.variants.get(&key).cloned().unwrap_or_else(|| pascal(variant))
    }

    /// A name made from an item's: `kind` says for what.
    pub(super) fn derived(&self, kind: &'static str, source: &str) -> &str {
        self.derived.get(&(kind, source.to_owned())).map_or("", String::as_str)
    }

    /// What stands for an unknown variant of an error.
    pub(super) fn unknown(&self, error: &str) -> &str {
        self.derived("unknown", error)
    }
}

/// True for a builtin that annotations use.
pub(super) fn is_builtin(name: &str) -> bool {
    BUILTINS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::{Distinct, member, pascal, plain, snake};

    #[test]
    fn odd_names_come_out_right() {
        assert_eq!(plain("import"), "import_");
        assert_eq!(plain("None"), "None_");
        assert_eq!(plain("self"), "self_");
        assert_eq!(plain("__proto__"), "x__proto__");
        assert_eq!(plain("type"), "type");
        assert_eq!(pascal("tool_call"), "ToolCall");
        assert_eq!(pascal("__proto__"), "XProto");
        assert_eq!(member("maxTokens"), "MAX_TOKENS");
        assert_eq!(member("__proto__"), "X__PROTO__");
        assert_eq!(snake("HTTPServer2Go"), "http_server2_go");
    }

    #[test]
    fn names_that_meet_are_told_apart() {
        let mut names = Distinct::default();
        assert_eq!(names.take("A".to_owned()), "A");
        assert_eq!(names.take("A".to_owned()), "A_");
        assert_eq!(names.take("A".to_owned()), "A__");
    }
}

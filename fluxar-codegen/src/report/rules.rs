//! Every rule of contract files: its id, how bad breaking it is, and what to do. The one table.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// There is no contract.
    Error,
    /// There is one, and it will be regretted.
    Warning,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Its id, as printed between brackets.
    pub id: &'static str,
    /// How bad breaking it is.
    pub severity: Severity,
    /// What it asks for.
    pub about: &'static str,
    /// What to do when it is broken.
    pub fix: &'static str,
}

const fn error(id: &'static str, about: &'static str, fix: &'static str) -> Rule {
    Rule { id, severity: Severity::Error, about, fix }
}

const fn warning(id: &'static str, about: &'static str, fix: &'static str) -> Rule {
    Rule { id, severity: Severity::Warning, about, fix }
}

/// The rule of that id. Every id in the code is in the table: a test calls all of them.
#[must_use]
pub fn rule(id: &str) -> &'static Rule {
    RULES.iter().find(|rule| rule.id == id).unwrap_or(&RULES[0])
}

/// All rules: reading, names and imports, numbers, types, literals and annotations, shapes, lint.
pub const RULES: &[Rule] = &[
    error("syntax", "a file follows the grammar", "see the grammar in docs/spec/idl.md"),
    error("too-large", "sources, depth and counts are bounded", "split the contract"),
    error("not-text", "a source is UTF-8", "save the file as UTF-8"),
    error(
        "file-missing",
        "a contract file is there and can be read",
        "name a file that exists and that you may read; a relative path counts from the current folder",
    ),
    error("edition", "`fluxar 1` is the only edition", "write `fluxar 1`"),
    error("package-name", "packages have dotted names of a-z, 0-9 and _", "name it `shop.v1`"),
    error(
        "mixed-packages",
        "an import is of the package it names",
        "make folder and package agree",
    ),
    error(
        "import-missing",
        "an imported package is in a file under a root",
        "name the file after the package: `shop/v1.fluxar` or `shop.v1.fluxar`",
    ),
    error(
        "import-outside",
        "imports stay under the declared roots",
        "put the file under a root; links may not lead out",
    ),
    error(
        "import-cycle",
        "packages do not import each other in a circle",
        "move what both need into a third package",
    ),
    error(
        "import-name",
        "an imported name is declared there",
        "import a type, service, topic or annotation that the package has",
    ),
    error("unknown-name", "names are declared", "declare it, or import it with `use`"),
    error("duplicate-name", "names are declared once", "rename one of the two"),
    error("reserved-name", "built-in types keep their names", "choose another name"),
    error(
        "name-form",
        "names are letters, digits and _, and at most 64 long",
        "choose another name",
    ),
    error(
        "name-collision",
        "names stay apart in Rust, TypeScript and Python",
        "rename one of the two",
    ),
    error(
        "id-missing",
        "fields, members and variants have a number",
        "run `fluxar idl fmt --ids`, which gives the next free number",
    ),
    error("id-range", "numbers are from 1 to 65535", "choose a number from 1 to 65535"),
    error("id-duplicate", "a number means one thing", "give one of the two the next free number"),
    error(
        "id-retired",
        "what is retired is not used again",
        "take the next free number, or another name",
    ),
    error(
        "type-arguments",
        "a generic type gets as many types as it asks for",
        "write a type for each parameter",
    ),
    error(
        "type-wrong",
        "types stand where types may stand",
        "use a record, enum, union, newtype or built-in type",
    ),
    error(
        "type-infinite",
        "a value of a type is finite",
        "put `?` or a list between the type and itself",
    ),
    error(
        "alias-cycle",
        "aliases, newtypes, spreads and constants end somewhere",
        "break the circle",
    ),
    error(
        "instance-limit",
        "a generic type has finitely many instances",
        "do not wrap a type parameter inside its own instance",
    ),
    error(
        "map-key",
        "keys of maps are string, integers, uuid, enums or newtypes of these",
        "use one of these as the key",
    ),
    error(
        "double-optional",
        "`?` stands once",
        "remove a `?`; in a list of optionals, use a record",
    ),
    error("array-length", "an array has 1 to 65535 items", "write a length from 1 to 65535"),
    error("empty-choice", "an enum, union or error has a member", "add one"),
    error("error-type", "methods fail with errors", "declare it as `error`"),
    error(
        "stream-place",
        "`stream` stands once among the parameters, or before the result",
        "keep one stream, without a number, a default or annotations",
    ),
    error(
        "optional-default",
        "what is optional has no other default than null",
        "remove the `?` or the default",
    ),
    error("default-type", "a default or an example fits its type", "write a literal of that type"),
    error(
        "constraint-empty",
        "some value keeps a constraint, and defaults and examples do",
        "change the bounds, the default or the example",
    ),
    error(
        "annotation-unknown",
        "annotations are built in or declared",
        "declare it with `annotation NAME on …`, or correct the name",
    ),
    error(
        "annotation-place",
        "annotations stand where they mean something",
        "move it or remove it",
    ),
    error(
        "annotation-arguments",
        "annotations get the arguments they declare, and bounds fit their type",
        "see the table of annotations in docs/spec/idl.md",
    ),
    error("annotation-twice", "an annotation stands once", "remove one of the two"),
    error(
        "error-status",
        "each variant of an error has a status",
        "write `@status(.not_found)` behind the variant or before the error",
    ),
    error(
        "message-field",
        "a message names fields of its variant",
        "write `{field}` with a field that is there",
    ),
    error(
        "notification",
        "nobody answers a notification",
        "remove result, error, streams and timeout, or `@notification`",
    ),
    error(
        "level",
        "levels are in order and not above that of the package",
        "raise `@level` of the package",
    ),
    error("topic-path", "a topic has a path of at most 16 segments", "write `orders.{id: uuid}`"),
    error(
        "topic-param",
        "path parameters are string, integers, bool, uuid, enums or newtypes of these",
        "use one of these types",
    ),
    error(
        "topic-key",
        "`@key` names a path parameter or a field of the payload",
        "name one of these",
    ),
    error(
        "contract-side",
        "a contract has `server:`, `client:` and `topics:`, each once",
        "write one of the three",
    ),
    error("target-length", "a target has at most 16 segments and 512 bytes", "shorten the names"),
    warning(
        "lint-name",
        "types are PascalCase, everything else is snake_case",
        "rename it, before it is published",
    ),
    warning(
        "lint-docs",
        "what others call has documentation",
        "write `///` and a sentence above it",
    ),
    warning("lint-version", "the last segment of a package is its version", "end it with `.v1`"),
    warning(
        "lint-id",
        "numbers up to 23 take one byte",
        "give the fields that are sent most the numbers 1 to 23",
    ),
    warning(
        "lint-u64",
        "64-bit integers are slow and awkward in browsers",
        "use `int` where 53 bits do",
    ),
    warning(
        "lint-unbounded",
        "what clients send is bounded",
        "add `@len(0..N)`, or `@max_size` on the method",
    ),
    warning("lint-unused", "declared types are used", "use it or remove it"),
];

#[cfg(test)]
mod tests {
    use super::{RULES, rule};
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_and_every_rule_says_what_to_do() {
        let ids: HashSet<&str> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
        for listed in RULES {
            assert_eq!(rule(listed.id), listed);
            assert!(!listed.fix.is_empty() && !listed.about.is_empty(), "{}", listed.id);
        }
    }
}

//! Literals, constraints and the life of an item over revisions.

/// A literal, read against the type that it stands for.
///
/// | the type | its literal |
/// |---|---|
/// | `bool` | [`Bool`](Self::Bool) |
/// | integers; `duration` and `timestamp` in microseconds | [`Int`](Self::Int) |
/// | `f32`, `f64` | [`Float`](Self::Float) |
/// | `string`, `url`, `decimal`, `uuid` (hyphenated, lower case) | [`Text`](Self::Text) |
/// | `bytes` | [`Bytes`](Self::Bytes) |
/// | a list, an array | [`List`](Self::List) |
/// | a map with `string` keys | [`Map`](Self::Map) |
/// | a record | [`Record`](Self::Record): what is not named has its own default |
/// | an enum, a union's variant without content | [`Name`](Self::Name) |
/// | `T?` | [`Null`](Self::Null), or the literal of `T` |
/// | a newtype | the literal of its base |
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true`
    Bool(bool),
    /// `-3`, `30s`, `1MiB`
    Int(i128),
    /// `0.5`; always finite
    Float(f64),
    /// `"text"`
    Text(String),
    /// `"bytes"`: the bytes of that text in UTF-8.
    Bytes(Vec<u8>),
    /// `.member`, by its name.
    Name(String),
    /// `[1, 2]`
    List(Vec<Self>),
    /// `{a: 1}` for a map, in the order of the keys.
    Map(Vec<(String, Self)>),
    /// `{a: 1}` for a record, in the order of its fields.
    Record(Vec<(String, Self)>),
}

/// A bound of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Of an integer, a duration or a timestamp.
    Int(i128),
    /// Of a float; always finite.
    Float(f64),
}

impl Number {
    /// The bound as a float, which may be the next one to it.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
        }
    }
}

/// What a value must be beyond its type. All bounds are inclusive.
///
/// They stand on fields, parameters and newtypes. On `T?` they bind a value that is there; on a
/// list `len` counts its items and everything else binds each item; `len` of `string`, `url` and
/// `decimal` counts Unicode scalar values, of `bytes` bytes, of a map entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constraints {
    /// `@min`, or the start of `@range`.
    pub min: Option<Number>,
    /// `@max`, or the end of `@range`.
    pub max: Option<Number>,
    /// The start of `@len`.
    pub len_min: Option<u64>,
    /// The end of `@len`.
    pub len_max: Option<u64>,
    /// `@format`
    pub format: Option<Format>,
    /// `@pattern`: matches the whole text. Only what all target languages read alike is let in
    /// (`[IDL.pattern.1]`); `\d`, `\w` and `\s` are already written out as ASCII classes.
    pub pattern: Option<String>,
}

impl Constraints {
    /// True when any value of the type will do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Both at once; of two forms or two patterns, those of `self`.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let higher = |a: Option<Number>, b: Option<Number>| match (a, b) {
            (Some(a), Some(b)) => Some(if a.as_f64() >= b.as_f64() { a } else { b }),
            (a, b) => a.or(b),
        };
        let lower = |a: Option<Number>, b: Option<Number>| match (a, b) {
            (Some(a), Some(b)) => Some(if a.as_f64() <= b.as_f64() { a } else { b }),
            (a, b) => a.or(b),
        };
        Self {
            min: higher(self.min, other.min),
            max: lower(self.max, other.max),
            len_min: self.len_min.max(other.len_min),
            len_max: match (self.len_max, other.len_max) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            format: self.format.or(other.format),
            pattern: self.pattern.clone().or_else(|| other.pattern.clone()),
        }
    }
}

/// The form of a text; the forms are defined in `[IDL.format.1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `local@domain`
    Email,
    /// `a-b.example`
    Hostname,
    /// `192.0.2.1`
    Ipv4,
    /// `2001:db8::1`
    Ipv6,
    /// `2026-11-24`
    Date,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Email, Self::Hostname, Self::Ipv4, Self::Ipv6, Self::Date];

    /// Its name in contracts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Hostname => "hostname",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Date => "date",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// The life of an item over the revisions (`@level`) of its package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// `@since(2)`
    pub since: Option<u32>,
    /// `@removed(3)`: peers of that level and later do without it.
    pub removed: Option<u32>,
    /// `@deprecated("use list", since=3)`
    pub deprecated: Option<Deprecated>,
    /// `@was("old")`: names that a decoder still takes.
    pub was: Vec<String>,
}

/// That an item should not be used any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deprecated {
    /// What to do instead.
    pub note: Option<String>,
    /// Since which revision.
    pub since: Option<u32>,
}

//! What a contract file says, before any name in it is looked up.

use super::token::Span;

/// A name with its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ident {
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// A dotted name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// One at least.
    pub segments: Vec<Ident>,
    /// Where.
    pub span: Span,
}

impl Path {
    /// With its dots.
    #[must_use]
    pub fn text(&self) -> String {
        self.segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(".")
    }
}

/// A number with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int {
    /// Its value.
    pub value: u64,
    /// Where.
    pub span: Span,
}

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// `fluxar 1`
    pub edition: Option<Int>,
    /// `package shop.v1`
    pub package: Option<Package>,
    /// Imports.
    pub uses: Vec<Use>,
    /// Everything else, in order.
    pub items: Vec<Item>,
}

/// `package shop.v1`
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Documentation and annotations.
    pub head: Head,
    /// The name.
    pub path: Path,
}

/// What stands in front of an item or behind a member.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// Lines of documentation, without the slashes.
    pub docs: Vec<String>,
    /// Annotations.
    pub annotations: Vec<Annotation>,
}

/// `@scope("users")`
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// Without the `@`.
    pub path: Path,
    /// What is in its parentheses.
    pub arguments: Vec<Argument>,
    /// All of it.
    pub span: Span,
}

/// An argument of an annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// `since` in `since=3`.
    pub name: Option<Ident>,
    /// The value.
    pub value: Literal,
}

/// `use fluxar.std { Page }`
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// The package.
    pub path: Path,
    /// What is taken from it.
    pub what: Taken,
}

/// What an import takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// `{ Page, PageReq }`
    Names(Vec<Ident>),
    /// `as std`: names are written `std.Page`.
    As(Ident),
    /// Nothing is said: names are written with the last segment of the package before them.
    Package,
}

/// A declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Documentation and annotations.
    pub head: Head,
    /// Its name.
    pub name: Ident,
    /// What it declares.
    pub kind: ItemKind,
}

/// What is declared.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `newtype UserId: uuid`
    Newtype(Type),
    /// `alias Rows = [Row]`
    Alias {
        /// Names of type parameters.
        generics: Vec<Ident>,
        /// What it stands for.
        ty: Type,
    },
    /// `const LIMIT: u32 = 50`
    Const {
        /// Its type.
        ty: Type,
        /// Its value.
        value: Literal,
    },
    /// `record User { … }`
    Record {
        /// Names of type parameters.
        generics: Vec<Ident>,
        /// Fields, spreads and retired ones.
        entries: Vec<Entry>,
    },
    /// `enum`, `union` and `error`
    Choice {
        /// Which of the three.
        choice: Choice,
        /// `closed`
        closed: Option<Span>,
        /// Names of type parameters.
        generics: Vec<Ident>,
        /// Members or variants.
        variants: Vec<Variant>,
        /// What may not be used again.
        retired: Vec<Retired>,
    },
    /// `service Users { … }`
    Service(Vec<Method>),
    /// `topic Orders = orders.{id: uuid} : Order`
    Topic {
        /// The path.
        segments: Vec<Segment>,
        /// The type of what is published.
        payload: Type,
    },
    /// `contract Shop { … }`
    Contract(Vec<Side>),
    /// `annotation scope(name: string) on method`
    Annotation {
        /// What may stand in its parentheses.
        parameters: Vec<Member>,
        /// Where it may stand.
        targets: Vec<Ident>,
    },
}

/// The three kinds of "one of several".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Names only.
    Enum,
    /// With content.
    Union,
    /// What methods fail with.
    Error,
}

/// What stands in the braces of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A field.
    Field(Member),
    /// `...Other`
    Spread(Type),
    /// `retired …`
    Retired(Retired),
}

/// A field, a parameter of a method or of an annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Documentation and annotations.
    pub head: Head,
    /// Its number.
    pub id: Option<Int>,
    /// Its name.
    pub name: Ident,
    /// `stream`
    pub stream: Option<Span>,
    /// Its type.
    pub ty: Type,
    /// Its default.
    pub default: Option<Literal>,
}

/// A member of an enum, a variant of a union or error.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Documentation and annotations.
    pub head: Head,
    /// Its number.
    pub id: Option<Int>,
    /// Its name.
    pub name: Ident,
    /// What it carries.
    pub content: Content,
}

/// What a variant carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing.
    None,
    /// One value.
    Type(Type),
    /// Named fields.
    Record(Vec<Entry>),
}

/// `retired 7 phone: string @removed(3)` or `retired 8..12`
#[derive(Clone, Debug, PartialEq)]
pub struct Retired {
    /// The first number.
    pub first: Int,
    /// The last of a range.
    pub last: Option<Int>,
    /// The name.
    pub name: Option<Ident>,
    /// The type.
    pub ty: Option<Type>,
    /// Annotations.
    pub annotations: Vec<Annotation>,
}

/// A method.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// Documentation and annotations.
    pub head: Head,
    /// Its name.
    pub name: Ident,
    /// In order.
    pub parameters: Vec<Member>,
    /// What comes back.
    pub result: MethodResult,
    /// What it fails with.
    pub failure: Option<Type>,
}

/// What a method answers.
#[derive(Clone, Debug, PartialEq)]
pub enum MethodResult {
    /// Nothing.
    None,
    /// A value.
    Value(Type),
    /// `stream T`, and `then U`.
    Stream(Type, Option<Type>),
}

/// A segment of a topic.
#[derive(Clone, Debug, PartialEq)]
pub enum Segment {
    /// Text.
    Literal(Ident),
    /// `{id: uuid}`
    Param(Ident, Type),
}

/// `server: Users, Llm`
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// `server`, `client` or `topics`.
    pub name: Ident,
    /// Services or topics.
    pub paths: Vec<Path>,
}

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// What it is.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// What a type is.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `Page<User>`
    Named(Path, Vec<Type>),
    /// `T?`
    Optional(Box<Type>),
    /// `[T]`
    List(Box<Type>),
    /// `[T*3]`
    Array(Box<Type>, Int),
    /// `map<K, V>`
    Map(Box<Type>, Box<Type>),
    /// Something wrong, reported already.
    Wrong,
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// What it is.
    pub kind: LiteralKind,
    /// Where.
    pub span: Span,
}

/// What a literal is.
#[derive(Clone, Debug, PartialEq)]
pub enum LiteralKind {
    /// `null`
    Null,
    /// `true`
    Bool(bool),
    /// `-7`
    Int(i128),
    /// `0.5`
    Float(f64),
    /// `"text"`
    Text(String),
    /// `30s`, in microseconds.
    Duration(i128),
    /// `1MiB`, in bytes.
    Size(i128),
    /// `1..64`
    Range(Box<Literal>, Box<Literal>),
    /// `.member`
    Member(Ident),
    /// `[1, 2]`
    List(Vec<Literal>),
    /// `{a: 1}`
    Braces(Vec<(Ident, Literal)>),
    /// A constant.
    Const(Path),
    /// Something wrong, reported already.
    Wrong,
}

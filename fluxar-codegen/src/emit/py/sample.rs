//! A contract with every construct, made by hand: the emitter's tests do not need the parser.

use crate::model::{
    Answer, Argument, Body, Constraints, Contract, ContractDef, Delivery, Docs, ErrorCode, Failure,
    Field, Format, Lifecycle, Method, MethodOptions, Name, Number, Package, Scalar, Segment,
    Service, Topic, TypeDef, TypeRef, Value, Variant, VariantBody,
};
use proc_macro2::Span;
use std::time::Duration;

fn name(name: &str) -> Name {
    Name::new(name, Span::call_site())
}

fn docs(text: &str) -> Docs {
    Docs { lines: text.lines().map(str::to_owned).collect() }
}

/// `string`, `[T]`, `T?`, `[T*2]`, `map<K,V>` or a name.
fn ty(said: &str) -> TypeRef {
    if let Some(of) = said.strip_suffix('?') {
        return TypeRef::Optional(Box::new(ty(of)));
    }
    if let Some(inside) = said.strip_prefix('[').and_then(|said| said.strip_suffix(']')) {
        return match inside.split_once('*') {
            Some((of, size)) => TypeRef::Array(Box::new(ty(of)), size.parse().unwrap()),
            None => TypeRef::List(Box::new(ty(inside))),
        };
    }
    if let Some(inside) = said.strip_prefix("map<").and_then(|said| said.strip_suffix('>')) {
        let (key, of) = inside.split_once(',').unwrap();
        return TypeRef::Map(Box::new(ty(key)), Box::new(ty(of)));
    }
    Scalar::named(said).map_or_else(|| TypeRef::Named(said.to_owned()), TypeRef::Scalar)
}

fn field(id: u32, source: &str, said: &str) -> Field<Contract> {
    Field {
        name: name(source),
        id: Some(id),
        docs: Docs::default(),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        ty: ty(said),
        optional: said.ends_with('?'),
        defaulted: false,
        default: None,
        constraints: Constraints::default(),
    }
}

fn default(mut field: Field<Contract>, value: Value) -> Field<Contract> {
    field.defaulted = true;
    field.default = Some(value);
    field
}

fn def(source: &str, body: Body<Contract>) -> TypeDef<Contract> {
    TypeDef {
        name: name(source),
        docs: Docs::default(),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        body,
        retired: Vec::new(),
        closed: false,
        constraints: Constraints::default(),
        is_error: false,
        code: None,
        extra: (),
    }
}

fn variant(id: u32, source: &str, body: VariantBody<Contract>) -> Variant<Contract> {
    Variant {
        name: name(source),
        id: Some(id),
        docs: Docs::default(),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        body,
        retired: Vec::new(),
        code: None,
    }
}

fn members(names: &[&str]) -> Vec<Variant<Contract>> {
    let numbered = names.iter().zip(1..);
    numbered.map(|(name, id)| variant(id, name, VariantBody::Unit)).collect()
}

fn method(source: &str, arguments: Vec<Argument<Contract>>, answer: &str) -> Method<Contract> {
    let answer = match answer.strip_prefix("stream ") {
        Some(item) => Answer::Items(ty(item)),
        None => Answer::Value(ty(answer)),
    };
    Method {
        name: name(source),
        docs: docs(" Does \"\"\"it\"\"\" \\ well.\n"),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        arguments,
        answer,
        failure: Failure::App(ty("ShopError")),
        timeout: None,
        options: MethodOptions::default(),
        extra: (),
    }
}

fn input(source: &str, item: &str) -> Argument<Contract> {
    Argument::Input { name: name(source), item: ty(item), extra: () }
}

fn output(item: &str) -> Argument<Contract> {
    Argument::Output { name: name("out"), item: ty(item), extra: () }
}

fn value(id: u32, source: &str, said: &str) -> Argument<Contract> {
    Argument::Value(field(id, source, said))
}

/// Fields of every type.
fn all_types() -> Body<Contract> {
    let said = [
        "bool",
        "u8",
        "u16",
        "u32",
        "u64",
        "i8",
        "i16",
        "i32",
        "i64",
        "int",
        "f32",
        "f64",
        "string",
        "bytes",
        "uuid",
        "timestamp",
        "duration",
        "decimal",
        "url",
        "any",
        "string?",
        "[u8]",
        "[[Part]]",
        "[i16*3]",
        "map<string,Part>",
        "map<Region,[u32?]>",
        "map<uuid,bool>",
        "Region",
        "Side",
        "Part?",
        "Id",
        "Tags",
        "Where",
        "[AllTypes]",
        "map<u32,Id>",
    ];
    Body::Record(
        said.iter().zip(1..).map(|(said, id)| field(id, &format!("f{id}"), said)).collect(),
    )
}

fn defaults() -> Body<Contract> {
    let text = |text: &str| Value::Text(text.to_owned());
    Body::Record(vec![
        default(field(1, "a", "u32"), Value::Int(7)),
        default(field(2, "b", "string"), text("quote \" and \\")),
        default(field(3, "c", "decimal"), text("0.10")),
        default(field(4, "d", "f32"), Value::Float(0.7)),
        default(field(5, "e", "duration"), Value::Int(30_000_000)),
        default(field(6, "f", "[Region]"), Value::List(vec![Value::Name("eu".to_owned())])),
        default(field(7, "g", "Region"), Value::Name("us".to_owned())),
        default(field(8, "h", "Defaulted"), Value::Record(vec![])),
        default(field(9, "i", "bytes"), Value::Bytes(vec![0, 34, 92, 255])),
        default(field(10, "j", "u32?"), Value::Int(5)),
        default(field(11, "k", "Id"), text("00000000-0000-0000-0000-000000000001")),
        default(
            field(12, "l", "map<string,u8>"),
            Value::Map(vec![("x".to_owned(), Value::Int(1))]),
        ),
        default(field(13, "m", "bool"), Value::Bool(true)),
        default(field(14, "n", "timestamp"), Value::Int(-1)),
    ])
}

/// Names that mean something to Python.
fn odd() -> Body<Contract> {
    let names = [
        "type",
        "await",
        "constructor",
        "__proto__",
        "None",
        "self",
        "import",
        "int",
        "list",
        "str",
        "_x",
        "match",
        "id",
        "cls",
        "field",
        "dict",
        "Part",
        "bytes",
        "Any",
        "float",
        "class",
    ];
    let fields = names.iter().zip(1..).map(|(name, id)| {
        let said = ["int", "string", "[u8]", "map<string,bytes>?", "f64"][id as usize % 5];
        field(id, name, said)
    });
    Body::Record(fields.collect())
}

fn error() -> TypeDef<Contract> {
    let code = |code: &str, message: Option<&str>| {
        let (code, message) = (Some(code.to_owned()), message.map(str::to_owned));
        Some(ErrorCode { code, message, retry: false })
    };
    let mut not_found = variant(1, "not_found", VariantBody::Record(vec![field(1, "id", "Id")]));
    not_found.code = code("not_found", Some("no {id}, sorry"));
    let mut taken = variant(2, "email_taken", VariantBody::Unit);
    taken.code = code("already_exists", None);
    let mut odd = variant(
        3,
        "odd",
        VariantBody::Record(vec![
            field(1, "message", "string"),
            default(field(2, "code", "u8"), Value::Int(3)),
            field(3, "args", "[string]?"),
        ]),
    );
    odd.code = code("aborted", None);
    let mut plain = variant(4, "plain", VariantBody::Newtype(Box::new(ty("string"))));
    plain.code = code("internal", Some("says {0:?}"));
    let mut def = def("ShopError", Body::Union(vec![not_found, taken, odd, plain]));
    def.is_error = true;
    def.name = def.name.on_wire("shop.v1.ShopError");
    def
}

fn types() -> Vec<TypeDef<Contract>> {
    let part = Body::Union(vec![
        variant(1, "text", VariantBody::Newtype(Box::new(ty("string")))),
        variant(
            2,
            "image",
            VariantBody::Record(vec![field(1, "mime", "string"), field(2, "data", "bytes")]),
        ),
        variant(3, "nested", VariantBody::Newtype(Box::new(ty("[Part]")))),
        variant(4, "empty", VariantBody::Unit),
        variant(5, "none", VariantBody::Record(vec![])),
    ]);
    let mut email = def("Email", Body::Newtype(Box::new(ty("string"))));
    email.constraints = Constraints {
        len_min: Some(3),
        len_max: Some(254),
        format: Some(Format::Email),
        ..Constraints::default()
    };
    let mut side = def("Side", Body::Enum(members(&["buy", "sell"])));
    side.closed = true;
    let mut limited = vec![
        field(1, "small", "u32"),
        field(2, "email", "Email"),
        field(3, "names", "[string]"),
        field(4, "maybe", "f64?"),
        field(5, "rows", "[Row]"),
    ];
    limited[0].constraints.min = Some(Number::Int(1));
    limited[0].constraints.max = Some(Number::Int(64));
    limited[2].constraints.len_max = Some(2);
    limited[2].constraints.pattern = Some("[a-z]+\\.?".to_owned());
    limited[3].constraints.max = Some(Number::Float(0.5));
    let mut region =
        def("Region", Body::Enum(members(&["eu", "us", "apac", "None", "mro", "__x__"])));
    region.docs = docs(" Where.");
    vec![
        region,
        side,
        def("Part", part),
        def("Tags", Body::Newtype(Box::new(ty("[Id]")))),
        def("Id", Body::Newtype(Box::new(ty("uuid")))),
        def("Where", Body::Newtype(Box::new(ty("Region")))),
        email,
        def("Row", Body::Record(vec![field(1, "email", "Email")])),
        def("AllTypes", all_types()),
        def("Defaulted", Body::Record(vec![default(field(1, "x", "u8"), Value::Int(1))])),
        def("Defaults", defaults()),
        def("Odd", odd()),
        def("Limited", Body::Record(limited)),
        def("Empty", Body::Record(Vec::new())),
        error(),
    ]
}

fn services() -> Vec<Service<Contract>> {
    let mut get = method("get", vec![value(1, "id", "Id")], "AllTypes");
    get.timeout = Some(Duration::from_millis(1500));
    let mut tell = method("tell", vec![value(1, "what", "string")], "unit");
    tell.answer = Answer::Nothing;
    let page = default(field(1, "page", "Defaulted"), Value::Record(Vec::new()));
    let users = vec![
        get,
        tell,
        method("list", vec![Argument::Value(page), value(2, "timeout", "u32")], "[AllTypes]"),
        method("nothing", vec![], "unit"),
        method("check", vec![value(1, "limited", "Limited")], "unit"),
        method("watch", vec![value(1, "role", "Region?")], "stream AllTypes"),
        method("import", vec![value(1, "dry", "bool"), input("rows", "Row")], "u32"),
        method("chat", vec![value(1, "system", "string"), input("turns", "Part")], "stream Part"),
        method("complete", vec![value(1, "prompt", "string"), output("Part")], "Defaults"),
        method("both", vec![input("items", "Part"), output("Part")], "Odd"),
        method("None", vec![value(1, "self", "dict"), value(2, "ctx", "any")], "any"),
    ];
    let users: Vec<_> = users
        .into_iter()
        .map(|mut method| {
            for argument in &mut method.arguments {
                if let Argument::Value(field) = argument
                    && field.ty == ty("dict")
                {
                    field.ty = ty("string");
                }
            }
            method
        })
        .collect();
    let approve = method("approve", vec![value(1, "call", "Part")], "bool");
    let service = |source: &str, wire: &str, methods| Service {
        name: name(source).on_wire(wire),
        package: Some("shop.v1".to_owned()),
        docs: docs(" A service."),
        methods,
        ..blank_service()
    };
    vec![service("Users", "users", users), service("Approvals", "approvals", vec![approve])]
}

fn blank_service() -> Service<Contract> {
    Service {
        name: name(""),
        package: None,
        docs: Docs::default(),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        methods: Vec::new(),
        extra: (),
    }
}

fn topic(source: &str, segments: Vec<Segment<Contract>>, payload: &str) -> Topic<Contract> {
    Topic {
        name: name(source),
        docs: Docs::default(),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        segments,
        payload: ty(payload),
        delivery: Delivery::AtMostOnce,
        retain: Some(1),
        replay: None,
        key: None,
        extra: (),
    }
}

fn topics() -> Vec<Topic<Contract>> {
    let param = |source: &str, said: &str| Segment::Param { name: name(source), ty: ty(said) };

    let literal = |text: &str| Segment::Literal(text.to_owned());
    let orders = vec![
        literal("orders"),
        param("region", "Region"),
        param("order_id", "Id"),
        param("n", "u8"),
        param("live", "bool"),
        param("name", "string"),
    ];
    vec![topic("OrderEvents", orders, "Part"), topic("Plain", vec![literal("plain")], "AllTypes")]
}

/// The contract.
pub(super) fn package() -> Package<Contract> {
    let mut package = Package::empty(None);
    package.name = Some("shop.v1".to_owned());
    package.docs = docs(" A shop.");
    package.types = types();
    package.services = services();
    package.topics = topics();
    package.contracts =
        vec![contract("Shop", &["Users"], &["Approvals"], &["OrderEvents", "Plain"])];
    package
}

/// What `fluxar up` serves, as a contract: the Python tests call it.
pub(super) fn demo() -> Package<Contract> {
    let mut package = Package::empty(None);
    let record = |source: &str, fields: &[(&str, &str)]| {
        let fields = fields.iter().zip(1..).map(|((name, said), id)| field(id, name, said));
        def(source, Body::Record(fields.collect()))
    };
    package.types = vec![
        record("Token", &[("text", "string")]),
        record(
            "Summary",
            &[
                ("model", "string"),
                ("prompt_tokens", "u32?"),
                ("completion_tokens", "u32"),
                ("finish_reason", "string"),
            ],
        ),
        record("Approval", &[("approved", "bool")]),
        record("Reading", &[("t", "f64"), ("unit", "string?")]),
    ];
    let mut complete = method(
        "complete",
        vec![
            value(1, "prompt", "string"),
            value(2, "model", "string?"),
            value(3, "max_tokens", "u32?"),
            value(4, "seed", "u32?"),
            value(5, "approvals", "bool?"),
            output("Token"),
        ],
        "Summary",
    );
    let mut approve = method("approve", vec![value(1, "action", "string")], "Approval");
    complete.failure = Failure::Status;
    approve.failure = Failure::Status;
    let mut say = method("say", vec![value(1, "text", "string"), value(2, "n", "u8")], "any");
    say.failure = Failure::Status;
    let service = |source: &str, wire: &str, method| Service {
        name: name(source).on_wire(wire),
        methods: vec![method],
        ..blank_service()
    };
    package.services = vec![
        service("Llm", "llm", complete),
        service("Approvals", "approvals", approve),
        service("Echo", "echo", say),
    ];
    let id = Segment::Param { name: name("id"), ty: ty("u32") };
    let literal = |text: &str| Segment::Literal(text.to_owned());
    let segments = vec![literal("sensors"), id, literal("temp")];
    package.topics = vec![topic("Temperature", segments, "Reading")];
    package.contracts = vec![contract("Demo", &["Llm", "Echo"], &["Approvals"], &["Temperature"])];
    package
}

fn contract(source: &str, server: &[&str], client: &[&str], topics: &[&str]) -> ContractDef {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ContractDef {
        name: name(source),
        docs: Docs::default(),
        annotations: Vec::new(),
        lifecycle: Lifecycle::default(),
        server: names(server),
        client: names(client),
        topics: names(topics),
    }
}

//! Every construct of contracts, as JSON and back.

use super::Types;
use crate::json::Words;
use fluxar::Value;
use fluxar::payload::{decode, encode};
use fluxar_codegen::check;
use fluxar_codegen::model::{Body, Contract, Field, Model, Scalar, TypeRef, Variant, VariantBody};
use serde_json::{Map, Value as Json, json};
use std::path::PathBuf;

/// Nesting after which lists end and optional fields are left out.
const DEPTH: u64 = 5;
/// Values of each type.
const SEEDS: u64 = 60;

fn models() -> Vec<Model> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../idl");
    let loaded = check::load(std::slice::from_ref(&root), &check::contract_files(&root).unwrap());
    assert!(loaded.models.len() > 15, "{:?}", loaded.reports);
    loaded.models
}

fn model(text: &str) -> Model {
    let mut loaded = check::compile_sources(&[("test", text)]);
    assert!(!loaded.reports.has_errors(), "{:?}", loaded.reports.list);
    loaded.models.remove(0)
}

fn named(name: &str) -> TypeRef {
    TypeRef::Named(name.to_owned())
}

/// As it goes over the wire.
fn sent(value: &Value) -> Value {
    decode(&encode(value).unwrap()).unwrap()
}

/// JSON of a type in the form in which it is shown.
struct Maker<'m> {
    model: &'m Model,
    seed: u64,
}

impl Maker<'_> {
    fn below(&mut self, limit: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.seed >> 33) % limit
    }

    fn ty(&mut self, ty: &TypeRef, depth: u64) -> Json {
        let few = if depth < DEPTH { self.below(3) } else { 0 };
        match ty {
            TypeRef::Scalar(scalar) => self.scalar(*scalar),
            TypeRef::Optional(_) if few == 0 => Json::Null,
            TypeRef::Optional(of) => self.ty(of, depth + 1),
            TypeRef::List(of) => (0..few).map(|_| self.ty(of, depth + 1)).collect(),
            TypeRef::Array(of, length) => (0..*length).map(|_| self.ty(of, depth + 1)).collect(),
            TypeRef::Map(key, of) => {
                let entry = |maker: &mut Self| {
                    let key = match maker.ty(key, depth + 1) {
                        Json::String(key) => key,
                        other => other.to_string(),
                    };
                    (key, maker.ty(of, depth + 1))
                };
                Json::Object((0..few).map(|_| entry(self)).collect())
            }
            TypeRef::Named(name) => self.named(name, depth + 1),
        }
    }

    fn named(&mut self, name: &str, depth: u64) -> Json {
        let def = self.model.type_named(name).unwrap();
        match &def.body {
            Body::Record(fields) => self.fields(fields, depth),
            Body::Newtype(of) => self.ty(of, depth),
            Body::Unit => Json::Null,
            Body::Enum(members) => self.one_of(members).name.wire.as_str().into(),
            Body::Union(variants) => {
                let bare = variants.iter().find(|variant| variant.body == VariantBody::Unit);
                let variant = match bare.filter(|_| depth >= DEPTH) {
                    Some(bare) => bare,
                    None => self.one_of(variants),
                };
                let name = variant.name.wire.clone();
                let content = match &variant.body {
                    VariantBody::Unit => return name.into(),
                    VariantBody::Newtype(of) => self.ty(of, depth + 1),
                    VariantBody::Record(fields) => self.fields(fields, depth + 1),
                };
                Json::Object([(name, content)].into_iter().collect())
            }
        }
    }

    fn one_of<'v>(&mut self, variants: &'v [Variant<Contract>]) -> &'v Variant<Contract> {
        &variants[self.below(variants.len() as u64) as usize]
    }

    fn fields(&mut self, fields: &[Field<Contract>], depth: u64) -> Json {
        let mut map = Map::new();
        for field in fields {
            let value = self.ty(&field.ty, depth + 1);
            if !(field.optional && value.is_null()) {
                map.insert(field.name.wire.clone(), value);
            }
        }
        Json::Object(map)
    }

    fn scalar(&mut self, scalar: Scalar) -> Json {
        if let Some((least, greatest)) = scalar.int_range() {
            let int = [least, greatest, 7][self.below(3) as usize];
            return u64::try_from(int).map_or_else(|_| json!(int as i64), |int| json!(int));
        }
        match scalar {
            Scalar::Bool => json!(self.below(2) == 0),
            Scalar::F32 => {
                [json!(0.1), json!(-3.5), json!("Infinity")][self.below(3) as usize].clone()
            }
            Scalar::F64 => [json!(0.1), json!(1e300), json!("NaN")][self.below(3) as usize].clone(),
            Scalar::Bytes => json!(["", "AAH/", "aGk="][self.below(3) as usize]),
            Scalar::Uuid => json!("0190a0f0-0000-7000-8000-00000000000a"),
            Scalar::Timestamp => {
                json!(["2026-11-24T08:30:00.25Z", "1969-12-31T23:59:59Z"][self.below(2) as usize])
            }
            Scalar::Duration => json!(["0s", "250ms", "90s", "1d"][self.below(4) as usize]),
            Scalar::Decimal => json!(["-12.50", "0", "1e9"][self.below(3) as usize]),
            Scalar::Any => {
                [json!(1), json!({"a": [true]}), json!("x")][self.below(3) as usize].clone()
            }
            _ => json!(["", "ü", "1", "true"][self.below(4) as usize]),
        }
    }
}

#[test]
fn values_of_every_construct_come_back_over_the_wire() {
    let mut count = 0;
    for model in models() {
        // Whoever makes random values does not keep to constraints; they have a test of their own.
        if model.name.as_deref().is_some_and(|name| name.contains("constraints")) {
            continue;
        }
        let mut free = model.clone();
        for def in &mut free.types {
            def.constraints = Default::default();
            if let Body::Record(fields) = &mut def.body {
                fields.iter_mut().for_each(|field| field.constraints = Default::default());
            }
        }
        let types = Types::new(&free);
        for def in &model.types {
            let ty = named(&def.name.source);
            for seed in 0..SEEDS {
                let json = Maker { model: &model, seed }.ty(&ty, 0);
                let value = types.write(&ty, &json).unwrap_or_else(|mismatch| {
                    panic!("{:?} {} {json}: {mismatch}", model.name, def.name.source)
                });
                let read = types.read(&ty, &sent(&value)).unwrap();
                assert_eq!(read, json, "{:?} {}", model.name, def.name.source);
                count += 1;
            }
        }
    }
    assert!(count > 4000, "{count}");
}

/// Type, JSON as it may be written, and as it is shown.
fn scalars() -> Vec<(Scalar, Json, Json)> {
    vec![
        (Scalar::U8, json!(255.0), json!(255)),
        (Scalar::I64, json!(i64::MIN), json!(i64::MIN)),
        (Scalar::U64, json!(u64::MAX), json!(u64::MAX)),
        (Scalar::F32, json!(0.1), json!(0.1)),
        (Scalar::F64, json!(3), json!(3.0)),
        (Scalar::Decimal, json!(12), json!("12")),
        (Scalar::Bytes, json!("-_8"), json!("+/8=")),
        (Scalar::Bytes, json!({"$bytes": "AAH/"}), json!("AAH/")),
        (
            Scalar::Uuid,
            json!("0190A0F0-0000-7000-8000-00000000000A"),
            json!("0190a0f0-0000-7000-8000-00000000000a"),
        ),
        (Scalar::Timestamp, json!(0), json!("1970-01-01T00:00:00Z")),
        (Scalar::Timestamp, json!("2026-11-24T09:30:00+01:00"), json!("2026-11-24T08:30:00Z")),
        (Scalar::Timestamp, json!(i64::MAX), json!(i64::MAX)),
        (Scalar::Duration, json!(1500), json!("1500us")),
        (Scalar::Duration, json!("1.5h"), json!("90m")),
    ]
}

#[test]
fn scalars_are_taken_in_the_forms_that_people_write() {
    let model = Model::empty(None);
    let types = Types::new(&model);
    for (scalar, written, shown) in scalars() {
        let ty = TypeRef::Scalar(scalar);
        let value = types.write(&ty, &written).unwrap();
        assert_eq!(types.read(&ty, &sent(&value)).unwrap(), shown, "{scalar:?} {written}");
    }
}

#[test]
fn what_is_no_value_of_a_scalar_is_refused() {
    let model = Model::empty(None);
    let types = Types::new(&model);
    for (scalar, wrong) in [
        (Scalar::Bool, json!(1)),
        (Scalar::U8, json!(256)),
        (Scalar::U8, json!(-1)),
        (Scalar::U8, json!(1.5)),
        (Scalar::U8, json!("1")),
        (Scalar::Int, json!(9_007_199_254_740_992_u64)),
        (Scalar::F32, json!(1e300)),
        (Scalar::String, json!(7)),
        (Scalar::Decimal, json!(12.5)),
        (Scalar::Decimal, json!("a lot")),
        (Scalar::Bytes, json!("?")),
        (Scalar::Bytes, json!({"$bytes": 7})),
        (Scalar::Uuid, json!("0190a0f0")),
        (Scalar::Timestamp, json!("yesterday")),
        (Scalar::Duration, json!("5 apples")),
        (Scalar::Duration, json!(0.5)),
        (Scalar::Unit, json!({})),
    ] {
        let refused = types.write(&TypeRef::Scalar(scalar), &wrong);
        assert!(refused.is_err(), "{scalar:?} {wrong}: {refused:?}");
    }
}

const SHOP: &str = "package a.v1\n\
    @format(.email) newtype Email: string\n\
    enum Role { 1 admin, 2 member @was(\"user\") }\n\
    closed enum Side { 1 buy, 2 sell }\n\
    union Part { 1 text: string, 2 image: { 1 mime: string, 2 data: bytes }, 3 bare }\n\
    record User {\n  1 id: u32\n  2 email: Email @len(3..9)\n  3 role: Role = .member\n\
      4 parts: [Part] = [] @len(max=2)\n  5 note: string? @wire(\"theNote\")\n  6 side: Side?\n}\n\
    service Users {\n  put(user: User, zip: string = \"\", role: Role?, n: u8 = 1)\n  ping()\n}\n";

#[test]
fn errors_name_the_place_and_what_was_meant() {
    let model = model(SHOP);
    let types = Types::new(&model);
    let user = named("User");
    for (wrong, message) in [
        (json!({"id": 1}), "`email` (Email) must be given"),
        (json!({}), "`id` (u32), `email` (Email) must be given"),
        (json!({"id": 1, "emial": "a@b"}), "no field `emial`: did you mean `email`?"),
        (json!({"id": -1, "email": "a@b"}), "at `id`: -1 is no `u32`"),
        (json!({"id": 1, "email": "a@bcdefghij"}), "at `email`: 11 characters are more than 9"),
        (json!({"id": 1, "email": "nobody"}), "at `email`: not of the form `email`"),
        (
            json!({"id": 1, "email": "a@b", "role": "amdin"}),
            "at `role`: `Role` has no `amdin`: did you mean `admin`?",
        ),
        (
            json!({"id": 1, "email": "a@b", "side": 3}),
            "at `side`: a member of `Side` is wanted, not 3",
        ),
        (
            json!({"id": 1, "email": "a@b", "parts": [{"text": "x"}, {"image": {"mime": "m", "data": "?"}}]}),
            "at `parts[1].image.data`: `bytes`, as base64, is wanted, not \"?\"",
        ),
        (
            json!({"id": 1, "email": "a@b", "parts": ["bare", "bare", "bare"]}),
            "3 items are more than 2",
        ),
        (json!({"id": 1, "email": "a@b", "parts": ["text"]}), "at `parts[0].text`"),
        (json!({"id": 1, "email": "a@b", "parts": [{"bare": 1}]}), "has no content"),
        (json!({"id": 1, "email": "a@b", "note": "x", "theNote": "y"}), "given twice"),
        (json!([]), "an object is wanted, not []"),
    ] {
        let refused = types.write(&user, &wrong).unwrap_err().to_string();
        assert!(refused.contains(message), "{wrong}: {refused}");
    }
}

#[test]
fn names_of_the_wire_of_the_contract_and_of_former_times_are_taken() {
    let model = model(SHOP);
    let types = Types::new(&model);
    let json = json!({"id": 1, "email": "a@b", "role": "user", "note": "x"});
    let value = types.write(&named("User"), &json).unwrap();
    let shown = types.read(&named("User"), &value).unwrap();
    let expected = json!({"id": 1, "email": "a@b", "role": "member", "parts": [], "theNote": "x"});
    assert_eq!(shown, expected);
}

#[test]
fn numbers_unknown_members_and_defaults_of_answers_are_shown() {
    let model = model(SHOP);
    let types = Types::new(&model);
    let key = |number: u8| Value::Int(number.into());
    let answer = Value::Map(vec![
        (key(1), key(7)),
        (key(2), Value::from("a@b")),
        (
            key(4),
            Value::List(vec![key(3), Value::from("odd"), Value::Map(vec![(key(1), "t".into())])]),
        ),
        (key(99), Value::Bool(true)),
    ]);
    let shown = types.read(&named("User"), &answer).unwrap();
    let parts = json!(["bare", "odd", {"text": "t"}]);
    let expected = json!({"id": 7, "email": "a@b", "role": "member", "parts": parts, "99": true});
    assert_eq!(shown, expected);
    let missing = types.read(&named("User"), &Value::Map(Vec::new())).unwrap_err();
    assert!(missing.to_string().contains("`id` is missing"), "{missing}");
    assert!(types.read(&named("User"), &Value::from("x")).is_err());
    assert_eq!(types.read(&named("Role"), &key(40)).unwrap(), json!(40));
}

fn params(types: Types<'_>, method: usize, words: &[&str]) -> Result<Option<Json>, String> {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let method = &types.model.services[0].methods[method];
    let written = types.params(method, &Words::of(&words).unwrap());
    let written = written.map_err(|mismatch| mismatch.to_string())?;
    Ok(written.map(|value| super::untyped(&value).unwrap()))
}

#[test]
fn parameters_are_pairs_or_an_object() {
    let model = model(SHOP);
    let types = Types::new(&model);
    let user = r#"user={"id":1,"email":"a@b"}"#;
    let expected =
        json!({"user": {"id": 1, "email": "a@b"}, "zip": "01234", "role": "admin", "n": 3});
    let pairs = [user, "zip=01234", "role=admin", "n=3"];
    assert_eq!(params(types, 0, &pairs), Ok(Some(expected)));
    let quoted = params(types, 0, &[user, "zip=\"7\""]).unwrap().unwrap();
    assert_eq!(quoted["zip"], "7");
    assert!(params(types, 0, &["7"]).unwrap_err().contains("{\"user\": …, \"zip\": …"));
    assert!(params(types, 0, &[]).unwrap_err().contains("`user` (User) must be given"));
    assert!(params(types, 0, &[user, "nn=1"]).unwrap_err().contains("did you mean `n`?"));
    assert_eq!(params(types, 1, &[]), Ok(None));
    assert_eq!(params(types, 1, &["{}"]), Ok(None));
    assert!(params(types, 1, &["a=1"]).unwrap_err().contains("takes no parameters"));
}

#[test]
fn constraints_are_checked_on_the_way_out() {
    let models = models();
    let is_it = |model: &&Model| model.name.as_deref() == Some("corpus.constraints.v1");
    let model = models.iter().find(is_it).unwrap();
    let types = Types::new(model);
    let right = json!({
        "email": "a@b.example", "share": 0.5, "age": 18, "count": 1, "offset": -5, "name": "n",
        "code": "AB-12.5", "host": "a-b.example", "ip": "192.0.2.1", "day": "2026-11-24",
        "data": "", "tags": ["a"], "emails": ["a@b.example"], "wait": "1s", "exact": "four",
        "map": {"a": 1.0},
    });
    assert!(types.write(&named("Bound"), &right).is_ok());
    for (field, wrong) in [
        ("email", json!("nobody")),
        ("share", json!(1.5)),
        ("age", json!(17)),
        ("count", json!(0)),
        ("offset", json!(1001)),
        ("name", json!("")),
        ("code", json!("ab-1")),
        ("host", json!("-a")),
        ("ip", json!("1.2.3")),
        ("ip6", json!("::g")),
        ("day", json!("2026-02-30")),
        ("tags", json!(["A"])),
        ("emails", json!([])),
        ("emails", json!(["x"])),
        ("wait", json!("2m")),
        ("exact", json!("three")),
        ("map", json!({"a": 2.0})),
    ] {
        let mut value = right.clone();
        value[field] = wrong.clone();
        let refused = types.write(&named("Bound"), &value).unwrap_err();
        assert!(refused.path().starts_with(field), "{field} {wrong}: {refused}");
    }
}

/// A descriptor comes from the network: its types may refer to each other and to nothing.
#[test]
fn types_that_only_refer_to_each_other_end() {
    let mut model = model("package a.v1\nnewtype A: u8\nnewtype B: u8\nrecord R { 1 a: A = 1 }");
    for (name, of) in [("A", "B"), ("B", "A")] {
        let def = model.types.iter_mut().find(|def| def.name.source == name).unwrap();
        def.body = Body::Newtype(Box::new(named(of)));
    }
    let types = Types::new(&model);
    assert!(types.write(&named("A"), &json!(1)).is_err());
    assert!(types.read(&named("A"), &Value::from(1_u8)).is_err());
    assert!(types.read(&named("R"), &Value::Map(Vec::new())).is_ok());
    let nowhere = types.write(&named("Nowhere"), &json!({"a": 1})).unwrap();
    assert_eq!(types.read(&named("Nowhere"), &nowhere).unwrap(), json!({"a": 1}));
}

#[test]
fn paths_of_topics_are_checked() {
    let models = models();
    let is_it = |model: &&Model| model.name.as_deref() == Some("corpus.topics.v1");
    let model = models.iter().find(is_it).unwrap();
    let types = Types::new(model);
    let of = model.topics.iter().find(|topic| topic.name.source == "Params").unwrap();
    let id = "0190a0f0-0000-7000-8000-00000000000a";
    let check = |path: &str| {
        assert!(super::topic::is_at(of, path), "{path}");
        types.check_path(of, path).map_err(|mismatch| mismatch.to_string())
    };
    assert_eq!(check(&format!("corpus.eu.{id}.7.true.a%20b")), Ok(()));
    for (path, wrong) in [
        (
            format!("corpus.ue.{id}.7.true.a"),
            "at `region`: `Region` has no `ue`: did you mean `eu`?",
        ),
        (format!("corpus.eu.{}.7.true.a", id.to_uppercase()), "at `id`"),
        (format!("corpus.eu.{id}.07.true.a"), "at `n`: `07` in the topic is no `int`"),
        (format!("corpus.eu.{id}.7.yes.a"), "at `flag`"),
        (format!("corpus.eu.{id}.7.true."), "at `text`"),
    ] {
        let refused = check(&path).unwrap_err();
        assert!(refused.contains(wrong), "{path}: {refused}");
    }
    assert!(!super::topic::is_at(of, "corpus.plain"));
}

/// Changed descriptors that still are some: what a peer may say of itself.
#[test]
fn whatever_a_peer_says_of_itself_nothing_panics() {
    const TRIES: u64 = 4000;
    let models = models();
    let mut maker = Maker { model: &models[0], seed: 7 };
    let (mut read, mut written) = (0, 0);
    for try_ in 0..TRIES {
        let model = &models[try_ as usize % models.len()];
        let mut bytes = model.descriptor();
        for _ in 0..=maker.below(3) {
            let at = maker.below(bytes.len() as u64) as usize;
            bytes[at] = match maker.below(3) {
                // A type that is another one, or a number.
                0 => maker.below(24) as u8,
                1 => bytes[at] ^ 1 << maker.below(8),
                _ => bytes[maker.below(bytes.len() as u64) as usize],
            };
        }
        let Ok(mut changed) = Model::from_descriptor(&bytes) else { continue };
        read += 1;
        changed.number_like(model);
        changed.drop_undeclared_annotations();
        let text = crate::contracts::text(&changed);
        let _reports = check::compile_sources(&[("changed", &text)]);
        let types = Types::new(&changed);
        for def in &model.types {
            let ty = named(&def.name.source);
            let json = Maker { model, seed: try_ }.ty(&ty, 0);
            let Ok(value) = types.write(&ty, &json) else { continue };
            written += 1;
            let _shown = types.read(&ty, &sent(&value));
        }
        for topic in &changed.topics {
            let _checked = types.check_path(topic, "a.b.c.d.e.f.g");
        }
    }
    assert!(read > 100 && written > 100, "{read} {written}");
}

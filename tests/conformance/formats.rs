//! The formats of text that contracts name: read alike in every language.

use crate::vectors::{cases, check_all};
use fluxar::Type;
use fluxar::payload::{Keys, Mode, encode_with};

#[derive(Type)]
#[fluxar(format = "email")]
struct Email(String);

#[derive(Type)]
#[fluxar(format = "hostname")]
struct Hostname(String);

#[derive(Type)]
#[fluxar(format = "ipv4")]
struct Ipv4(String);

#[derive(Type)]
#[fluxar(format = "ipv6")]
struct Ipv6(String);

#[derive(Type)]
#[fluxar(format = "date")]
struct Date(String);

/// `[IDL.format.1]`
#[test]
fn formats_are_what_the_vectors_say() {
    check_all(&cases("contract", |name| name == "formats"), |case| {
        let text = case.json["text"].as_str().unwrap().to_owned();
        let mode = Mode::checked(Keys::Names);
        let encoded = match case.json["format"].as_str().unwrap() {
            "email" => encode_with(&Email(text), mode),
            "hostname" => encode_with(&Hostname(text), mode),
            "ipv4" => encode_with(&Ipv4(text), mode),
            "ipv6" => encode_with(&Ipv6(text), mode),
            "date" => encode_with(&Date(text), mode),
            other => return Err(format!("no format {other}")),
        };
        let fits = encoded.is_ok();
        if fits == case.is_valid() { Ok(()) } else { Err(format!("fits: {fits}")) }
    });
}

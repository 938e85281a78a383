//! Literals of defaults: `1024`, `-3`, `0.5`, `"text"`, `true`, `buy` (a member, by its name on
//! the wire), `[1, 2]`, `{ field: 1 }`, `map { "key": 1 }`, `null`.

use super::names::name_of;
use crate::model::Value;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{
    Ident, Lit, LitByteStr, LitFloat, LitInt, Token, braced, bracketed, parenthesized, token,
};

/// Reads a literal.
///
/// # Errors
/// Something else stands here.
pub(super) fn value(input: ParseStream<'_>) -> syn::Result<Value> {
    if input.peek(token::Bracket) {
        let items;
        bracketed!(items in input);
        let items = Punctuated::<Wrapped, Token![,]>::parse_terminated(&items)?;
        return Ok(Value::List(items.into_iter().map(|item| item.0).collect()));
    }
    if input.peek(token::Brace) {
        return entries(input).map(Value::Record);
    }
    if input.peek(Token![-]) {
        input.parse::<Token![-]>()?;
        return match input.peek(LitFloat) {
            true => Ok(Value::Float(-input.parse::<LitFloat>()?.base10_parse::<f64>()?)),
            false => Ok(Value::Int(-input.parse::<LitInt>()?.base10_parse::<i128>()?)),
        };
    }
    if input.peek(Ident) && !input.peek(syn::LitBool) {
        let name: Ident = input.parse()?;
        if name == "null" {
            return Ok(Value::Null);
        }
        if name == "map" && input.peek(token::Brace) {
            return entries(input).map(Value::Map);
        }
        if name == "member" && input.peek(token::Paren) {
            let quoted;
            parenthesized!(quoted in input);
            return Ok(Value::Name(quoted.parse::<syn::LitStr>()?.value()));
        }
        return Ok(Value::Name(name_of(&name).source));
    }
    if input.peek(LitByteStr) {
        return Ok(Value::Bytes(input.parse::<LitByteStr>()?.value()));
    }
    Ok(match input.parse::<Lit>()? {
        Lit::Bool(value) => Value::Bool(value.value),
        Lit::Int(value) => Value::Int(value.base10_parse()?),
        Lit::Float(value) => Value::Float(value.base10_parse()?),
        Lit::Str(value) => Value::Text(value.value()),
        other => return Err(syn::Error::new_spanned(other, "write a number, a text or a bool")),
    })
}

struct Wrapped(Value);

impl syn::parse::Parse for Wrapped {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        value(input).map(Self)
    }
}

/// `{ name: value, … }`
fn entries(input: ParseStream<'_>) -> syn::Result<Vec<(String, Value)>> {
    let entries;
    braced!(entries in input);
    let entries = Punctuated::<Entry, Token![,]>::parse_terminated(&entries)?;
    Ok(entries.into_iter().map(|entry| (entry.key, entry.value)).collect())
}

struct Entry {
    key: String,
    value: Value,
}

impl syn::parse::Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = match input.peek(syn::LitStr) {
            true => input.parse::<syn::LitStr>()?.value(),
            false => name_of(&input.call(Ident::parse_any)?).source,
        };
        input.parse::<Token![:]>()?;
        Ok(Self { key, value: value(input)? })
    }
}

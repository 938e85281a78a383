//! Literals of defaults: `1024`, `-3`, `0.5`, `"text"`, `true`, `Buy`, `[1, 2]`, `{}`.

use super::names::name_of;
use crate::model::Value;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Ident, Lit, LitByteStr, LitFloat, LitInt, Token, braced, bracketed, token};

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
        let fields;
        braced!(fields in input);
        let fields = Punctuated::<Entry, Token![,]>::parse_terminated(&fields)?;
        let is_map = fields.iter().any(|entry| entry.is_quoted);
        let fields = fields.into_iter().map(|entry| (entry.key, entry.value)).collect();
        return Ok(if is_map { Value::Map(fields) } else { Value::Record(fields) });
    }
    if input.peek(Token![-]) {
        input.parse::<Token![-]>()?;
        return match input.peek(LitFloat) {
            true => Ok(Value::Float(-input.parse::<LitFloat>()?.base10_parse::<f64>()?)),
            false => Ok(Value::Int(-input.parse::<LitInt>()?.base10_parse::<i128>()?)),
        };
    }
    if input.peek(Ident) && !input.peek(syn::LitBool) {
        return Ok(Value::Name(name_of(&input.parse()?).source));
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

struct Entry {
    key: String,
    /// Keys of maps are quoted, names of fields are not.
    is_quoted: bool,
    value: Value,
}

impl syn::parse::Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let is_quoted = input.peek(syn::LitStr);
        let key = match is_quoted {
            true => input.parse::<syn::LitStr>()?.value(),
            false => name_of(&input.call(Ident::parse_any)?).source,
        };
        input.parse::<Token![:]>()?;
        Ok(Self { key, is_quoted, value: value(input)? })
    }
}

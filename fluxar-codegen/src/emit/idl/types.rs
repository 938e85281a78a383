//! Types and their parts.

use super::annotations::{Marks, code, constraints, life, uses};
use super::{Printer, literal, ty};
use crate::model::{Body, Contract, Field, Name, Retired, TypeDef, Variant, VariantBody};

impl Printer<'_> {
    pub(super) fn type_def(&mut self, def: &TypeDef<Contract>) {
        self.docs(&def.docs, "");
        let mut marks = Marks::default();
        let name = &def.name.source;
        if def.name.wire != self.wire_of(def) {
            marks.add(format!("@wire({})", literal::quoted(&def.name.wire)));
        }
        if let Body::Newtype(of) = &def.body {
            constraints(&mut marks, &def.constraints, of, self.model);
        }
        code(&mut marks, def.code.as_ref());
        life(&mut marks, &def.lifecycle);
        uses(&mut marks, &def.annotations, self.model);
        self.marks_before(&marks, "");
        let closed = if def.closed && !def.is_error { "closed " } else { "" };
        match &def.body {
            Body::Newtype(of) => self.line(&format!("newtype {name}: {}", ty(of))),
            Body::Record(fields) => {
                let body = self.record(fields, &def.retired, "");
                self.line(&format!("record {name} {body}"));
            }
            Body::Unit => self.line(&format!("record {name} {{}}")),
            Body::Enum(variants) => {
                self.variants(&format!("{closed}enum {name}"), variants, &def.retired);
            }
            Body::Union(variants) if def.is_error => {
                self.variants(&format!("error {name}"), variants, &def.retired);
            }
            Body::Union(variants) => {
                self.variants(&format!("{closed}union {name}"), variants, &def.retired);
            }
        }
    }

    /// The name on the wire of a type that says nothing about it.
    fn wire_of(&self, def: &TypeDef<Contract>) -> String {
        match &self.model.name {
            Some(package) if def.is_error => format!("{package}.{}", def.name.source),
            _ => def.name.source.clone(),
        }
    }

    fn variants(
        &mut self,
        head: &str,
        variants: &[Variant<Contract>],
        retired: &[Retired<Contract>],
    ) {
        self.line(&format!("{head} {{"));
        for variant in variants {
            self.docs(&variant.docs, "  ");
            let id = numbered(variant.id);
            let content = match &variant.body {
                VariantBody::Unit => String::new(),
                VariantBody::Newtype(of) => format!(": {}", ty(of)),
                VariantBody::Record(fields) => {
                    format!(": {}", self.record(fields, &variant.retired, "  "))
                }
            };
            let mut marks = Marks::default();
            wire(&mut marks, &variant.name);
            code(&mut marks, variant.code.as_ref());
            life(&mut marks, &variant.lifecycle);
            uses(&mut marks, &variant.annotations, self.model);
            let marks = behind(&marks);
            self.line(&format!("  {id}{}{content}{marks}", variant.name.source));
        }
        for retired in retired {
            self.line(&format!("  {}", gone(retired)));
        }
        self.line("}");
    }

    /// `{`, a field a line, `}`.
    fn record(
        &self,
        fields: &[Field<Contract>],
        retired: &[Retired<Contract>],
        indent: &str,
    ) -> String {
        if fields.is_empty() && retired.is_empty() {
            return "{}".to_owned();
        }
        let mut inner = Self { model: self.model, text: "{\n".to_owned() };
        let deeper = format!("{indent}  ");
        for field in fields {
            inner.docs(&field.docs, &deeper);
            inner.line(&format!("{deeper}{}{}", numbered(field.id), self.member(field)));
        }
        for retired in retired {
            inner.line(&format!("{deeper}{}", gone(retired)));
        }
        inner.text.push_str(indent);
        inner.text.push('}');
        inner.text
    }

    /// A field or a parameter without its number.
    pub(super) fn member(&self, field: &Field<Contract>) -> String {
        let default = match &field.default {
            Some(value) => format!(" = {}", literal::of_type(value, &field.ty, self.model)),
            None if field.defaulted => format!(" = {}", literal::natural(&field.ty, self.model)),
            None => String::new(),
        };
        let mut marks = Marks::default();
        constraints(&mut marks, &field.constraints, &field.ty, self.model);
        wire(&mut marks, &field.name);
        life(&mut marks, &field.lifecycle);
        uses(&mut marks, &field.annotations, self.model);
        format!("{}: {}{default}{}", field.name.source, ty(&field.ty), behind(&marks))
    }
}

fn numbered(id: Option<u32>) -> String {
    id.map(|id| format!("{id} ")).unwrap_or_default()
}

fn behind(marks: &Marks) -> String {
    if marks.is_empty() { String::new() } else { format!(" {}", marks.join()) }
}

fn wire(marks: &mut Marks, name: &Name) {
    if name.wire != name.source {
        marks.add(format!("@wire({})", literal::quoted(&name.wire)));
    }
}

fn gone(retired: &Retired<Contract>) -> String {
    let (first, last) = (retired.ids.start(), retired.ids.end());
    let Some(name) = &retired.name else { return format!("retired {first}..{last}") };
    let of = retired.ty.as_ref().map(|of| format!(": {}", ty(of))).unwrap_or_default();
    let removed = retired.removed.map(|level| format!(" @removed({level})")).unwrap_or_default();
    format!("retired {first} {name}{of}{removed}")
}

//! Records: interfaces, readers, writers. Parameters of methods and contents of variants are
//! records too.

use super::names::{built_property, is_inherited, property};
use super::spell::{Speller, field_names};
use super::text::{Lines, list, quote};
use crate::model::{Contract, Field, Scalar, TypeRef};

/// Fields of a mask of seen fields: bits of an integer that stay positive.
const MASK_BITS: usize = 30;

/// A record as it is written to the module.
pub(super) struct Record<'r, 'p> {
    pub(super) speller: &'r Speller<'p>,
    /// Its type in TypeScript, which its functions and constants are called by as well.
    pub(super) ty: &'r str,
    pub(super) fields: &'r [Field<Contract>],
}

/// A property of a value, its own even where every object has one of that name.
pub(super) fn property_of(value: &str, name: &str) -> String {
    if is_inherited(name) {
        format!("$.own({value}, {})", quote(name))
    } else if super::names::is_identifier(name) {
        format!("{value}.{name}")
    } else {
        format!("{value}[{}]", quote(name))
    }
}

impl Record<'_, '_> {
    /// The members of its interface. With `lenient`, what has a default may be left out.
    pub(super) fn members(&self, to: &mut Lines, lenient: bool) {
        for (field, name) in self.fields.iter().zip(field_names(self.fields)) {
            to.docs(&field.docs, &field.lifecycle, "");
            let may = field.optional || (lenient && self.speller.default(field).is_some());
            let mark = if may { "?" } else { "" };
            let ty = self.speller.ty(field.ty.required());
            // A caller who passes on what it may have need not look whether it has it.
            let ty = if lenient && may { format!("{ty} | undefined") } else { ty };
            to.line(format!("readonly {}{mark}: {ty};", property(&name)));
        }
    }

    /// Keys, reader and writer.
    pub(super) fn functions(&self, to: &mut Lines) {
        self.constants(to);
        self.reader(to);
        self.writer(to);
    }

    fn constants(&self, to: &mut Lines) {
        let ty = self.ty;
        let mut names = Vec::new();
        for field in self.fields {
            let (number, wire) = (number(field), &field.name.wire);
            to.line(format!("const {ty}${number} = $.key({number}, {});", quote(wire)));
            names.push(list([quote(wire), number.to_string()]));
            names.extend(
                field.lifecycle.was.iter().map(|was| list([quote(was), number.to_string()])),
            );
        }
        to.line(format!("const {ty}$names: $.Names = $.names({});", list(names)));
        for (field, default) in self.defaults() {
            if !is_plain(&default) {
                let number = number(field);
                to.line(format!(
                    "const {ty}${number}$default: {} = {default};",
                    self.speller.ty(&field.ty)
                ));
            }
        }
    }

    fn defaults(&self) -> impl Iterator<Item = (&Field<Contract>, String)> {
        self.fields
            .iter()
            .filter_map(|field| self.speller.default(field).map(|value| (field, value)))
    }

    fn reader(&self, to: &mut Lines) {
        let ty = self.ty;
        to.block(&format!("function read${ty}(r: $.Reader): {ty}"), "", |to| {
            for mask in 0..self.fields.len().div_ceil(MASK_BITS) {
                to.line(format!("let seen{mask} = 0;"));
            }
            for (index, field) in self.fields.iter().enumerate() {
                let ty = self.speller.ty(field.ty.required());
                to.line(format!("let f{index}: {ty} | undefined;"));
            }
            to.line("let k = 0;");
            to.block("try", "", |to| {
                let head = "for (let left = r.enterMap(); r.more(left); left -= 1)";
                to.block(head, "", |to| {
                    to.line("k = 0;");
                    to.line(format!("k = r.key({ty}$names);"));
                    to.block("switch (k)", "", |to| self.cases(to));
                });
                self.required(to);
            });
            to.block("catch (thrown)", "", |to| {
                to.line(format!("throw r.within(thrown, $.nameOf({ty}$names, k));"));
            });
            to.line("r.leave();");
            self.build(to);
        });
    }

    fn cases(&self, to: &mut Lines) {
        for (index, field) in self.fields.iter().enumerate() {
            let (mask, bit) = (index / MASK_BITS, 1_u32 << (index % MASK_BITS));
            to.line(format!("case {}:", number(field)));
            to.deeper(|to| {
                to.line(format!("if (seen{mask} & {bit}) r.twice();"));
                to.line(format!("seen{mask} |= {bit};"));
                to.line(format!("f{index} = {};", self.speller.read(&field.ty)));
                to.line("break;");
            });
        }
        to.line("default:");
        to.deeper(|to| to.line("r.skip();"));
    }

    /// Refuses what lacks a field that must be there.
    fn required(&self, to: &mut Lines) {
        let needed: Vec<(usize, &Field<Contract>)> = self
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| !field.optional && self.speller.default(field).is_none())
            .collect();
        to.line("k = 0;");
        if needed.is_empty() {
            return;
        }
        let mut masks = vec![0_u32; self.fields.len().div_ceil(MASK_BITS)];
        for (index, _) in &needed {
            masks[index / MASK_BITS] |= 1 << (index % MASK_BITS);
        }
        let conditions: Vec<String> = masks
            .iter()
            .enumerate()
            .filter(|(_, mask)| **mask != 0)
            .map(|(at, mask)| format!("(seen{at} & {mask}) !== {mask}"))
            .collect();
        let fields = needed.iter().map(|(index, field)| {
            let (mask, bit) = (index / MASK_BITS, 1_u32 << (index % MASK_BITS));
            list([quote(&field.name.wire), format!("(seen{mask} & {bit}) !== 0")])
        });
        to.line(format!("if ({}) $.missing(r, {});", conditions.join(" || "), list(fields)));
    }

    fn build(&self, to: &mut Lines) {
        let names = field_names(self.fields);
        let mut parts = Vec::new();
        let mut later = Vec::new();
        for (index, (field, name)) in self.fields.iter().zip(&names).enumerate() {
            let property = built_property(name);
            let default = self.speller.default(field);
            let (mask, bit) = (index / MASK_BITS, 1_u32 << (index % MASK_BITS));
            match default {
                Some(default) if !field.optional => {
                    parts
                        .push(format!("{property}: f{index} === undefined ? {default} : f{index}"));
                }
                // Null says that there is none; nothing says that there is the default.
                Some(default) => later.push(format!(
                    "if (f{index} !== undefined || (seen{mask} & {bit}) === 0) {};",
                    assign("v", name, &format!("f{index} === undefined ? {default} : f{index}"))
                )),
                None if field.optional => {
                    let set = assign("v", name, &format!("f{index}"));
                    later.push(format!("if (f{index} !== undefined) {set};"));
                }
                None => parts.push(format!(
                    "{property}: f{index} as {}",
                    self.speller.ty(field.ty.required())
                )),
            }
        }
        let object =
            if parts.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", parts.join(", ")) };
        if later.is_empty() {
            to.line(format!("return {object};"));
            return;
        }
        to.line(format!("const v = $.building<{}>({object});", self.ty));
        for line in later {
            to.line(line);
        }
        to.line("return v;");
    }

    fn writer(&self, to: &mut Lines) {
        let ty = self.ty;
        let v = if self.fields.is_empty() { "_v" } else { "v" };
        to.block(
            &format!("function write${ty}(w: $.Writer, {v}: $.Lenient<{ty}>): void"),
            "",
            |to| {
                let names = field_names(self.fields);
                let mut always = 0;
                let mut sometimes = Vec::new();
                for (index, (field, name)) in self.fields.iter().zip(&names).enumerate() {
                    to.line(format!("const f{index} = {};", property_of("v", name)));
                    match self.presence(field, index) {
                        None => always += 1,
                        Some(condition) => {
                            to.line(format!("const has{index} = {condition};"));
                            sometimes.push(format!("(has{index} ? 1 : 0)"));
                        }
                    }
                }
                let count =
                    std::iter::once(always.to_string()).chain(sometimes).collect::<Vec<_>>();
                to.line(format!("$.writeMapHead(w, {});", count.join(" + ")));
                let mut order: Vec<(usize, &Field<Contract>)> =
                    self.fields.iter().enumerate().collect();
                order.sort_by_key(|(_, field)| number(field));
                for (index, field) in order {
                    let key = format!("$.writeKey(w, {ty}${});", number(field));
                    let presence = self.presence(field, index);
                    let write = self.write_field(field, index);
                    match presence {
                        Some(_) => to.block(&format!("if (has{index})"), "", |to| {
                            to.line(&key);
                            to.line(&write);
                        }),
                        None => {
                            to.line(&key);
                            to.line(&write);
                        }
                    }
                }
            },
        );
    }

    fn write_field(&self, field: &Field<Contract>, index: usize) -> String {
        let value = format!("f{index}");
        let ty = field.ty.required();
        let write = self.speller.write(ty, &value);
        if field.optional && self.speller.default(field).is_some() {
            return format!("if ({value} === undefined) w.null(); else {write};");
        }
        if self.presence(field, index).is_some() {
            return format!("{write};");
        }
        // Nothing is a value of `any`.
        if *self.speller.base(ty) == TypeRef::Scalar(Scalar::Any) {
            return format!("{};", self.speller.write(ty, &value));
        }
        let value = format!("$.present({value}, {})", quote(&field.name.wire));
        format!("{};", self.speller.write(ty, &value))
    }

    /// When a field is written, if not always.
    fn presence(&self, field: &Field<Contract>, index: usize) -> Option<String> {
        let value = format!("f{index}");
        let Some(default) = self.speller.default(field) else {
            return field.optional.then(|| format!("{value} !== undefined"));
        };
        let differs = if is_plain(&default) {
            format!("{value} !== {default}")
        } else {
            format!("!$.same({value}, {}${}$default)", self.ty, number(field))
        };
        if field.optional {
            Some(differs)
        } else {
            Some(format!("{value} !== undefined && {differs}"))
        }
    }
}

/// Sets an own property.
fn assign(value: &str, name: &str, to: &str) -> String {
    match name {
        // Assigning would set the prototype.
        "__proto__" => format!("$.define({value}, \"__proto__\", {to})"),
        name if super::names::is_identifier(name) => format!("{value}.{name} = {to}"),
        name => format!("{value}[{}] = {to}", quote(name)),
    }
}

/// Whether a literal can be compared with `===`.
fn is_plain(literal: &str) -> bool {
    !literal.starts_with(['[', '{', '('])
        && !literal.starts_with("new ")
        && !literal.starts_with("Uint8Array")
}

/// The number of a field or parameter. Contract files always give one.
pub(super) fn number(field: &Field<Contract>) -> u32 {
    field.id.unwrap_or_default()
}

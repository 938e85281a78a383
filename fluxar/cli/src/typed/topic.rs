//! Topics of a contract, found by the path that is published to.

use super::{DEPTH_MAX, Types, did_you_mean};
use fluxar::Uuid;
use fluxar::payload::Mismatch;
use fluxar_codegen::emit::idl;
use fluxar_codegen::model::{Body, Contract, Scalar, Segment, Topic, TypeRef};

/// True when the path is one of the topic's, whatever its parameters are.
pub(crate) fn is_at(topic: &Topic<Contract>, path: &str) -> bool {
    let mut parts = path.split('.');
    let fits = topic.segments.iter().all(|segment| match (segment, parts.next()) {
        (Segment::Literal(text), Some(part)) => text == part,
        (Segment::Param { .. }, Some(_)) => true,
        (_, None) => false,
    });
    fits && parts.next().is_none()
}

/// `orders.{region}.{order_id}`
pub(crate) fn path(topic: &Topic<Contract>) -> String {
    let parts: Vec<String> = topic
        .segments
        .iter()
        .map(|segment| match segment {
            Segment::Literal(text) => text.clone(),
            Segment::Param { name, .. } => format!("{{{}}}", name.source),
        })
        .collect();
    parts.join(".")
}

impl<'m> Types<'m> {
    /// Checks the parameters in a path that [`is_at`] the topic.
    ///
    /// # Errors
    /// One is not of its type.
    pub(crate) fn check_path(self, topic: &Topic<Contract>, path: &str) -> Result<(), Mismatch> {
        for (segment, part) in topic.segments.iter().zip(path.split('.')) {
            let Segment::Param { name, ty } = segment else { continue };
            self.check_segment(ty, part, 0).map_err(|mismatch| mismatch.at(&name.source))?;
        }
        Ok(())
    }

    fn check_segment(self, ty: &TypeRef, part: &str, depth: usize) -> Result<(), Mismatch> {
        let wrong = || {
            let message = format_args!("`{part}` in the topic is no `{}`", idl::ty(ty));
            Mismatch::new(message)
        };
        let is_right = match ty {
            TypeRef::Scalar(Scalar::Uuid) => {
                part.parse::<Uuid>().is_ok_and(|uuid| uuid.to_string() == part)
            }
            TypeRef::Scalar(Scalar::Bool) => matches!(part, "true" | "false"),
            TypeRef::Scalar(scalar) => match scalar.int_range() {
                // One value has one path: no `+1` and no `01`.
                Some((least, greatest)) => part.parse::<i128>().is_ok_and(|value| {
                    value.to_string() == part && (least..=greatest).contains(&value)
                }),
                None => !part.is_empty(),
            },
            TypeRef::Named(name) => match self.model.type_named(name).map(|def| &def.body) {
                Some(Body::Newtype(of)) if depth < DEPTH_MAX => {
                    return self.check_segment(of, part, depth + 1);
                }
                Some(Body::Enum(members)) => {
                    let mut names = members.iter().map(|member| &*member.name.wire);
                    if !names.any(|name| name == part) {
                        let names = members.iter().map(|member| &*member.name.wire);
                        let hint = did_you_mean(part, names);
                        return Err(Mismatch::new(format_args!("`{name}` has no `{part}`{hint}")));
                    }
                    true
                }
                _ => true,
            },
            _ => true,
        };
        if is_right { Ok(()) } else { Err(wrong()) }
    }

    /// The members that may stand in a place of a path, where they are few and known.
    pub(crate) fn members(self, ty: &TypeRef) -> Vec<&'m str> {
        let TypeRef::Named(name) = ty else { return Vec::new() };
        match self.model.type_named(name).map(|def| &def.body) {
            Some(Body::Enum(members)) => members.iter().map(|member| &*member.name.wire).collect(),
            _ => Vec::new(),
        }
    }
}

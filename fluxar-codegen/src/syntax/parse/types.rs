//! Types.

use super::{Parse, Parser};
use crate::syntax::ast::{Ident, Type, TypeKind};
use crate::syntax::token::Kind;

impl Parser<'_> {
    pub(super) fn ty(&mut self) -> Parse<Type> {
        self.deeper(|parser| {
            let mut ty = parser.base()?;
            while parser.peek() == Kind::Question {
                let span = ty.span.to(parser.bump().span);
                let is_twice = matches!(ty.kind, TypeKind::Optional(_));
                if is_twice {
                    parser.report("double-optional", span, "this has two `?`".to_owned(), "");
                } else {
                    ty = Type { kind: TypeKind::Optional(Box::new(ty)), span };
                }
            }
            Ok(ty)
        })
    }

    fn base(&mut self) -> Parse<Type> {
        match self.peek() {
            Kind::OpenBracket => self.list(),
            Kind::Name if self.word(0) == "map" && self.nth(1).kind == Kind::Less => self.map(),
            Kind::Name if !self.is_next_item() => {
                let path = self.path("a type")?;
                let mut span = path.span;
                let mut arguments = Vec::new();
                if self.eat(Kind::Less) {
                    while self.peek() != Kind::Greater {
                        arguments.push(self.ty()?);
                        if !self.eat(Kind::Comma) {
                            break;
                        }
                    }
                    span = span.to(self.must(Kind::Greater, "`>`", "close the `<`")?.span);
                    if arguments.is_empty() {
                        let message = "nothing stands between `<` and `>`".to_owned();
                        self.report("type-arguments", span, message, "");
                    }
                }
                Ok(Type { kind: TypeKind::Named(path, arguments), span })
            }
            _ => Err(self.expected("a type", "write a type: `string`, `User`, `[u32]`")),
        }
    }

    fn list(&mut self) -> Parse<Type> {
        let open = self.bump().span;
        let item = Box::new(self.ty()?);
        let length = if self.eat(Kind::Star) { Some(self.int()?) } else { None };
        let close = self.must(Kind::CloseBracket, "`]`", "close the `[`")?;
        let kind = match length {
            Some(length) => TypeKind::Array(item, length),
            None => TypeKind::List(item),
        };
        Ok(Type { kind, span: open.to(close.span) })
    }

    fn map(&mut self) -> Parse<Type> {
        let start = self.bump().span;
        self.bump();
        let key = Box::new(self.ty()?);
        self.must(Kind::Comma, "`,`", "write `map<K, V>`")?;
        let value = Box::new(self.ty()?);
        let close = self.must(Kind::Greater, "`>`", "close the `<`")?;
        Ok(Type { kind: TypeKind::Map(key, value), span: start.to(close.span) })
    }

    /// `<T, U>` of a declaration.
    pub(super) fn generics(&mut self) -> Parse<Vec<Ident>> {
        let mut names = Vec::new();
        if !self.eat(Kind::Less) {
            return Ok(names);
        }
        while self.peek() != Kind::Greater {
            names.push(self.name("the name of a type parameter")?);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.must(Kind::Greater, "`>`", "close the `<`")?;
        Ok(names)
    }
}

//! What stands in braces: fields, variants, methods, sides.

use super::recover::Members;
use super::{Parse, Parser};
use crate::syntax::ast::{
    Content, Entry, Head, Member, Method, MethodResult, Retired, Side, Variant,
};
use crate::syntax::token::Kind;

impl Parser<'_> {
    /// Runs `parse` for each member up to `}`. After an error the rest of the member is skipped.
    /// A `}` that is missing is reported, and what was understood is kept.
    pub(super) fn braced(
        &mut self,
        members: Members,
        mut parse: impl FnMut(&mut Self) -> Parse<()>,
    ) -> Parse<()> {
        let open = self.must(Kind::OpenBrace, "`{`", "write the members between `{` and `}`");
        if open.is_err() && !self.is_member(members, 0) {
            return open.map(|_| ());
        }
        while !matches!(self.peek(), Kind::CloseBrace | Kind::End) && !self.is_next_item() {
            let before = self.at;
            self.members.extend(self.visible.get(self.at));
            if parse(self).is_err() {
                self.skip_member(before, members);
            }
            self.separator();
        }
        let fix = "close the `{` above, before the next item or the end";
        let _ = self.must(Kind::CloseBrace, "`}`", fix);
        Ok(())
    }

    pub(super) fn entries(&mut self) -> Parse<Vec<Entry>> {
        let mut list = Vec::new();
        self.deeper(|parser| {
            parser.braced(Members::Numbered, |parser| {
                list.push(parser.entry()?);
                Ok(())
            })
        })?;
        Ok(list)
    }

    fn entry(&mut self) -> Parse<Entry> {
        if self.eat(Kind::Spread) {
            return Ok(Entry::Spread(self.ty()?));
        }
        let head = self.docs_of_member();
        if self.is_retired() {
            return Ok(Entry::Retired(self.retired()?));
        }
        Ok(Entry::Field(self.member(head)?))
    }

    fn is_retired(&self) -> bool {
        self.word(0) == "retired" && self.nth(1).kind == Kind::Int
    }

    fn retired(&mut self) -> Parse<Retired> {
        self.bump();
        let first = self.int()?;
        let mut retired =
            Retired { first, last: None, name: None, ty: None, annotations: Vec::new() };
        if self.eat(Kind::DotDot) {
            retired.last = Some(self.int()?);
        } else {
            retired.name = Some(self.name("the name that is retired")?);
            if self.eat(Kind::Colon) {
                retired.ty = Some(self.ty()?);
            }
        }
        while self.peek() == Kind::At {
            retired.annotations.push(self.annotation()?);
        }
        Ok(retired)
    }

    /// A field, or a parameter.
    pub(super) fn member(&mut self, head: Head) -> Parse<Member> {
        let id = if self.peek() == Kind::Int { Some(self.int()?) } else { None };
        let name = self.name("a name")?;
        self.must(Kind::Colon, "`:` and a type", "write `name: type`")?;
        let is_stream =
            self.word(0) == "stream" && matches!(self.nth(1).kind, Kind::Name | Kind::OpenBracket);
        let stream = is_stream.then(|| self.bump().span);
        let ty = self.ty()?;
        let default = if self.eat(Kind::Equal) { Some(self.literal()?) } else { None };
        let mut member = Member { head, id, name, stream, ty, default };
        self.annotations_behind(&mut member.head)?;
        Ok(member)
    }

    pub(super) fn variants(&mut self) -> Parse<(Vec<Variant>, Vec<Retired>)> {
        let (mut variants, mut gone) = (Vec::new(), Vec::new());
        self.braced(Members::Numbered, |parser| {
            let head = parser.docs_of_member();
            if parser.is_retired() {
                gone.push(parser.retired()?);
            } else {
                variants.push(parser.variant(head)?);
            }
            Ok(())
        })?;
        Ok((variants, gone))
    }

    fn variant(&mut self, head: Head) -> Parse<Variant> {
        let id = if self.peek() == Kind::Int { Some(self.int()?) } else { None };
        let name = self.name("a name")?;
        let content = match self.eat(Kind::Colon) {
            false => Content::None,
            true if self.peek() == Kind::OpenBrace => Content::Record(self.entries()?),
            true => Content::Type(self.ty()?),
        };
        let mut variant = Variant { head, id, name, content };
        self.annotations_behind(&mut variant.head)?;
        Ok(variant)
    }

    pub(super) fn methods(&mut self) -> Parse<Vec<Method>> {
        let mut list = Vec::new();
        self.braced(Members::Methods, |parser| {
            list.push(parser.method()?);
            Ok(())
        })?;
        Ok(list)
    }

    fn method(&mut self) -> Parse<Method> {
        let head = self.head();
        let name = self.name("the name of a method")?;
        let parameters = self.parameters()?;
        let mut method =
            Method { head, name, parameters, result: MethodResult::None, failure: None };
        if self.eat(Kind::Arrow) {
            let is_stream = self.word(0) == "stream"
                && matches!(self.nth(1).kind, Kind::Name | Kind::OpenBracket);
            method.result = if is_stream {
                self.bump();
                let items = self.ty()?;
                // No type begins with `(`: there `then` is the name of the next method.
                let is_method = self.nth(1).kind == Kind::OpenParen;
                let then =
                    if !is_method && self.eat_word("then") { Some(self.ty()?) } else { None };
                MethodResult::Stream(items, then)
            } else {
                MethodResult::Value(self.ty()?)
            };
        }
        if self.eat(Kind::Bang) {
            method.failure = Some(self.ty()?);
        }
        Ok(method)
    }

    pub(super) fn parameters(&mut self) -> Parse<Vec<Member>> {
        self.must(Kind::OpenParen, "`(`", "write `name(parameters)`")?;
        let mut parameters = Vec::new();
        while self.peek() != Kind::CloseParen && !self.is_next_item() {
            let head = self.docs_of_member();
            parameters.push(self.member(head)?);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.must(Kind::CloseParen, "`,` or `)`", "close the parentheses")?;
        Ok(parameters)
    }

    pub(super) fn sides(&mut self) -> Parse<Vec<Side>> {
        let mut list = Vec::new();
        self.braced(Members::Sides, |parser| {
            list.push(parser.side()?);
            Ok(())
        })?;
        Ok(list)
    }

    fn side(&mut self) -> Parse<Side> {
        let name = self.name("`server`, `client` or `topics`")?;
        self.must(Kind::Colon, "`:`", "write `server: Users`")?;
        let mut paths = vec![self.path("the name of a service or topic")?];
        // `a: X, b: Y` is two sides as well: a comma belongs to the list only before a name alone.
        while self.peek() == Kind::Comma && !self.is_side_behind_comma() {
            self.bump();
            if matches!(self.peek(), Kind::CloseBrace | Kind::End) {
                break;
            }
            paths.push(self.path("the name of a service or topic")?);
        }
        Ok(Side { name, paths })
    }

    fn is_side_behind_comma(&self) -> bool {
        self.nth(1).kind == Kind::Name && self.nth(2).kind == Kind::Colon
    }
}

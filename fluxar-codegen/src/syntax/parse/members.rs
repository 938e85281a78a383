//! What stands in braces: fields, variants, methods, sides.

use super::{Parse, Parser};
use crate::syntax::ast::{
    Content, Entry, Head, Member, Method, MethodResult, Retired, Side, Variant,
};
use crate::syntax::token::Kind;

impl Parser<'_> {
    /// Runs `parse` for each member up to `}`. After an error the rest of the member is skipped.
    pub(super) fn braced(&mut self, parse: impl Fn(&mut Self) -> Parse<()>) -> Parse<()> {
        self.must(Kind::OpenBrace, "`{`", "write the members between `{` and `}`")?;
        while !matches!(self.peek(), Kind::CloseBrace | Kind::End) {
            if self.is_next_item() {
                return Err(self.expected("a member or `}`", "close the `{` before the next item"));
            }
            let before = self.at;
            if let Some(token) = self.visible.get(self.at) {
                self.members.push(*token);
            }
            if parse(self).is_err() {
                self.skip_member(before);
            }
            self.eat(Kind::Comma);
        }
        self.must(Kind::CloseBrace, "`}`", "close the `{`").map(|_| ())
    }

    /// True at a word that begins an item, at the start of a line without indent.
    fn is_next_item(&self) -> bool {
        let token = self.nth(0);
        let starts_line = self.text[..token.span.start as usize].ends_with('\n');
        starts_line && super::ITEMS.contains(&self.word(0)) && self.nth(1).kind == Kind::Name
    }

    /// To the next line, comma or closing brace on this level; by a token at least.
    fn skip_member(&mut self, before: usize) {
        let mut depth = 0_usize;
        while self.peek() != Kind::End {
            let token = self.nth(0);
            let has_moved = self.at > before;
            let previous = self.at.checked_sub(1).and_then(|at| self.visible.get(at));
            let line_starts = previous.is_some_and(|previous| {
                let gap = self.tokens[*previous].span.end as usize..token.span.start as usize;
                self.text.get(gap).is_some_and(|gap| gap.contains('\n'))
            });
            match token.kind {
                _ if depth == 0 && has_moved && line_starts => return,
                Kind::Comma | Kind::CloseBrace if depth == 0 => return,
                Kind::OpenBrace => depth += 1,
                Kind::CloseBrace => depth -= 1,
                _ => {}
            }
            self.bump();
        }
    }

    pub(super) fn entries(&mut self) -> Parse<Vec<Entry>> {
        let list = std::cell::RefCell::new(Vec::new());
        self.deeper(|parser| {
            parser.braced(|parser| {
                let entry = parser.entry()?;
                list.borrow_mut().push(entry);
                Ok(())
            })
        })?;
        Ok(list.into_inner())
    }

    fn entry(&mut self) -> Parse<Entry> {
        if self.eat(Kind::Spread) {
            return Ok(Entry::Spread(self.ty()?));
        }
        let head = Head { docs: self.docs(), annotations: Vec::new() };
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
        let lists = std::cell::RefCell::new((Vec::new(), Vec::new()));
        self.braced(|parser| {
            let head = Head { docs: parser.docs(), annotations: Vec::new() };
            if parser.is_retired() {
                let retired = parser.retired()?;
                lists.borrow_mut().1.push(retired);
                return Ok(());
            }
            let variant = parser.variant(head)?;
            lists.borrow_mut().0.push(variant);
            Ok(())
        })?;
        Ok(lists.into_inner())
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
        let list = std::cell::RefCell::new(Vec::new());
        self.braced(|parser| {
            let method = parser.method()?;
            list.borrow_mut().push(method);
            Ok(())
        })?;
        Ok(list.into_inner())
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
                let then = if self.eat_word("then") { Some(self.ty()?) } else { None };
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
        while self.peek() != Kind::CloseParen {
            let head = Head { docs: self.docs(), annotations: Vec::new() };
            parameters.push(self.member(head)?);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.must(Kind::CloseParen, "`,` or `)`", "close the parentheses")?;
        Ok(parameters)
    }

    pub(super) fn sides(&mut self) -> Parse<Vec<Side>> {
        let list = std::cell::RefCell::new(Vec::new());
        self.braced(|parser| {
            let side = parser.side()?;
            list.borrow_mut().push(side);
            Ok(())
        })?;
        Ok(list.into_inner())
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

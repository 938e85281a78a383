//! The top of a file: edition, package, imports.

use super::{Parse, Parser, Reported};
use crate::syntax::ast::{File, Head, Package, Taken, Use};
use crate::syntax::token::Kind;

impl Parser<'_> {
    pub(super) fn file(&mut self) -> File {
        let mut file = File::default();
        if self.eat_word("fluxar") {
            file.edition = match self.peek() {
                Kind::Int => self.int().ok(),
                _ => {
                    self.expected("the number of the edition", "write `fluxar 1`");
                    None
                }
            };
        }
        let mut pending = self.head();
        if self.word(0) == "package" {
            self.package(pending, &mut file);
            pending = self.head();
        }
        while self.word(0) == "use" && pending == Head::default() {
            self.import(&mut file);
            pending = self.head();
        }
        self.items(pending, &mut file);
        file
    }

    pub(super) fn package(&mut self, head: Head, file: &mut File) {
        self.bump();
        match self.path("the name of the package") {
            Ok(path) if file.package.is_none() => file.package = Some(Package { head, path }),
            Ok(_) => {}
            Err(Reported) => self.skip_to_item(),
        }
    }

    pub(super) fn import(&mut self, file: &mut File) {
        self.bump();
        match self.imported() {
            Ok(import) => file.uses.push(import),
            Err(Reported) => self.skip_to_item(),
        }
    }

    fn imported(&mut self) -> Parse<Use> {
        let path = self.path("the name of a package")?;
        let what = if self.eat_word("as") {
            Taken::As(self.name("another name for the package")?)
        } else if self.eat(Kind::OpenBrace) {
            let mut names = Vec::new();
            while self.peek() != Kind::CloseBrace {
                names.push(self.name("the name of a type")?);
                if !self.eat(Kind::Comma) {
                    break;
                }
            }
            self.must(Kind::CloseBrace, "`}`", "close the list of names")?;
            Taken::Names(names)
        } else {
            Taken::Package
        };
        Ok(Use { path, what })
    }
}

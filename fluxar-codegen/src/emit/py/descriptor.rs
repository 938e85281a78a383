//! The canonical descriptor as data of Python, whose hash the runtime's own encoder makes anew.

use super::writer::{Writer, text};
use crate::model::{Contract, Package};

pub(super) fn descriptor(to: &mut Writer, package: &Package<Contract>) {
    let name = package.name.as_deref().map_or_else(|| "None".to_owned(), text);
    to.line(format!("PACKAGE: str | None = {name}"));
}

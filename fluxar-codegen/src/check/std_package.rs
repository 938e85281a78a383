//! The package `fluxar.std`, which is built in.

/// Its name.
pub(super) const NAME: &str = "fluxar.std";

/// Its source.
pub(super) const SOURCE: &str = "\
fluxar 1

/// What many contracts need.
package fluxar.std

/// A part of a longer list.
record Page<T> {
  1 items: [T]
  /// Where the next page begins; absent on the last one.
  2 next: string?
}

/// Which part of a longer list is wanted.
record PageReq {
  /// `next` of the page before; absent for the first one.
  1 cursor: string?
  2 limit: u32 = 50
}
";

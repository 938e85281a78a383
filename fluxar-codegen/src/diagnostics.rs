//! Collected errors: a front end reports everything that is wrong, not the first thing.

use proc_macro2::Span;
use quote::ToTokens;
use std::fmt;

/// The errors found so far, each with the place it is about.
#[derive(Debug, Default)]
pub struct Diagnostics {
    error: Option<syn::Error>,
}

impl Diagnostics {
    /// No errors yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports an error about these tokens. The message says what is wrong and what to write.
    pub fn report(&mut self, about: impl ToTokens, message: impl fmt::Display) {
        self.add(syn::Error::new_spanned(about, message));
    }

    /// Reports an error about a place.
    pub fn report_at(&mut self, span: Span, message: impl fmt::Display) {
        self.add(syn::Error::new(span, message));
    }

    /// Takes in an error (or several) of the parser.
    pub fn add(&mut self, error: syn::Error) {
        match &mut self.error {
            Some(first) => first.combine(error),
            None => self.error = Some(error),
        }
    }

    /// The value, or everything that was reported.
    ///
    /// # Errors
    /// All reports, combined, when there is at least one.
    pub fn finish<T>(self, value: T) -> syn::Result<T> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(value),
        }
    }
}

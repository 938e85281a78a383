//! `fluxar completion`: a script for the shell.

use crate::failure::Failure;
use crate::terminal;
use clap::CommandFactory;

/// Print a completion script for your shell
///
/// Examples:
///   fluxar completion bash > ~/.local/share/bash-completion/completions/fluxar
///   fluxar completion zsh > ~/.zfunc/_fluxar
///   fluxar completion fish > ~/.config/fish/completions/fluxar.fish
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The shell to write for
    shell: clap_complete::Shell,
}

/// Writes the script to stdout.
///
/// # Errors
/// Standard output fails.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Command::command(), "fluxar", &mut script);
    terminal::data(String::from_utf8_lossy(&script))
}

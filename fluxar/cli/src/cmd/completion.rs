//! `fluxar completion`: a script for the shell.

use crate::failure::Failure;
use crate::terminal;
use clap::CommandFactory;
use clap_complete::Shell;

/// Print a completion script for your shell
///
/// Verbs, options and their values are completed; in bash, zsh and fish also targets after the URL
/// of call, topics after that of pub and sub, and names after that of describe: the peer is asked,
/// for a second and a half at most.
///
/// Examples:
///   fluxar completion bash > ~/.local/share/bash-completion/completions/fluxar
///   fluxar completion zsh > ~/.zfunc/_fluxar
///   fluxar completion fish > ~/.config/fish/completions/fluxar.fish
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The shell to write for
    shell: Shell,
}

/// bash splits words at colons, so the line itself is handed over.
const BASH: &str = r#"
_fluxar_names() {
    local word="${COMP_WORDS[COMP_CWORD]}" name
    COMPREPLY=()
    case "${COMP_WORDS[1]}" in
    call|describe|pub|sub)
        if [[ "$word" != -* ]]; then
            while IFS= read -r name; do
                COMPREPLY+=("$name")
            done < <("$1" complete-names -- "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
            if [[ ${#COMPREPLY[@]} -gt 0 ]]; then
                [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *. ]] && compopt -o nospace
                return 0
            fi
        fi
        ;;
    esac
    _fluxar "$@"
}
complete -F _fluxar_names -o bashdefault -o default fluxar
"#;

/// In place of the script's own function, which is `_fluxar_verbs` then: zsh may load the file as
/// that function, and calls it by its name ever after.
const ZSH: &str = r#"
_fluxar() {
    case "${words[2]}" in
    call|describe|pub|sub)
        if [[ "${words[CURRENT]}" != -* ]]; then
            local -a names
            names=("${(@f)$("${words[1]}" complete-names -- "${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
            names=("${(@)names:#}")
            if (( ${#names} )); then
                compadd -S '' -- "${(@M)names:#*.}"
                compadd -- "${(@)names:#*.}"
                return 0
            fi
        fi
        ;;
    esac
    _fluxar_verbs "$@"
}
"#;

const FISH: &str = r#"
complete -c fluxar -n "__fish_seen_subcommand_from call describe pub sub" -f -a "(fluxar complete-names -- (commandline -cp | string collect) 2>/dev/null)"
"#;

/// Writes the script to stdout.
///
/// # Errors
/// Standard output fails.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let script = of_verbs(args.shell);
    terminal::data(match args.shell {
        Shell::Bash => script + BASH,
        Shell::Fish => script + FISH,
        Shell::Zsh => with_names(&script),
        _ => script,
    })
}

/// clap's script. It would offer hidden verbs as well, so they are taken out first.
fn of_verbs(shell: Shell) -> String {
    let all = crate::Command::command();
    let verbs = all.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    let mut shown =
        clap::Command::new("fluxar").version(env!("CARGO_PKG_VERSION")).subcommands(verbs);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut shown, "fluxar", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Our function before the end of the script, which runs it or registers it.
fn with_names(script: &str) -> String {
    let renamed = script.replacen("\n_fluxar() {", "\n_fluxar_verbs() {", 1);
    match renamed.rfind("\nif [ \"$funcstack[1]\"") {
        Some(end) if renamed != script => {
            let (functions, end) = renamed.split_at(end);
            format!("{functions}\n{ZSH}{end}")
        }
        _ => script.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The script is clap's, whose form may change.
    #[test]
    fn the_function_of_zsh_is_found_and_replaced() {
        let script = with_names(&of_verbs(Shell::Zsh));
        for part in ["\n_fluxar_verbs() {", "\n_fluxar() {\n    case", "compdef _fluxar fluxar"] {
            assert_eq!(script.matches(part).count(), 1, "{part}");
        }
    }

    #[test]
    fn hidden_verbs_are_not_offered() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = of_verbs(shell);
            assert!(script.contains("describe") && !script.contains("complete-names"), "{shell}");
        }
    }
}

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

/// Before the end of the script, which runs or registers its function.
const ZSH: &str = r#"
_fluxar_names() {
    case "${words[2]}" in
    call|describe|pub|sub)
        if [[ "${words[CURRENT]}" != -* ]]; then
            local -a names
            names=("${(@f)$("${words[1]}" complete-names -- "${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
            names=("${(@)names:#}")
            if (( ${#names} )); then
                compadd -S '' -a names
                return 0
            fi
        fi
        ;;
    esac
    _fluxar "$@"
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
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Command::command(), "fluxar", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    terminal::data(match args.shell {
        Shell::Bash => script + BASH,
        Shell::Fish => script + FISH,
        Shell::Zsh => with_names(&script),
        _ => script,
    })
}

/// zsh's script ends by running its function, or by registering it: ours goes in its place.
fn with_names(script: &str) -> String {
    let Some(end) = script.rfind("\nif [ \"$funcstack[1]\"") else { return script.to_owned() };
    let (functions, end) = script.split_at(end);
    let end = end.replace("_fluxar \"$@\"", "_fluxar_names \"$@\"");
    let end = end.replace("compdef _fluxar fluxar", "compdef _fluxar_names fluxar");
    format!("{functions}\n{ZSH}{end}")
}

"""`whcli completion`: the script that makes a shell's Tab key know whcli."""

from __future__ import annotations

from typing import Annotated

import typer

from ..words.errors import Exit
from .options import Json

EXAMPLES = """Examples:

  eval "$(whcli completion bash)"

  whcli completion zsh > "${fpath[1]}/_whcli"

  whcli completion fish > ~/.config/fish/completions/whcli.fish
"""

# COMP_LINE is passed whole: bash splits words at `=` and `:`, and what stands before the last of them on the line is
# taken off each candidate. bash 3.2 (macOS) knows no `nosort`.
BASH = r"""_whcli_complete() {
    local program=$1 typed=${COMP_LINE:0:COMP_POINT} breaks= lead= word
    command -v -- "$program" >/dev/null 2>&1 || program=whcli
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <("$program" __complete --line "$typed" 2>/dev/null)
    typed=${typed##*[$' \t']}
    for word in = :; do
        if [[ $COMP_WORDBREAKS == *$word* ]]; then breaks+=$word; fi
    done
    if [[ -n $breaks && $typed == *[$breaks]* ]]; then
        lead=${typed%[$breaks]*}
        lead=${typed:0:${#lead}+1}
        COMPREPLY=("${COMPREPLY[@]#"$lead"}")
    fi
}
complete -o default -o nosort -F _whcli_complete whcli 2>/dev/null || complete -o default -F _whcli_complete whcli
"""

# `_describe` takes `word:what it is`, a colon in the word escaped.
ZSH = r"""#compdef whcli
_whcli() {
    local line word
    local -a before described
    before=("${(@Q)words[2,CURRENT-1]}")
    (( CURRENT > 2 )) || before=()
    for line in "${(@f)$(${~words[1]} __complete "${before[@]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        word=${line%%$'\t'*}
        [[ $line == *$'\t'* ]] && line=":${line#*$'\t'}" || line=
        described+=("${word//:/\\:}$line")
    done
    if (( $#described )); then
        _describe -V 'whcli' described
    else
        _files
    fi
}
if [[ ${funcstack[1]} == _whcli ]]; then
    _whcli "$@"
else
    compdef _whcli whcli
fi
"""

FISH = r"""function __whcli_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    if test (count $lines) -gt 0
        printf '%s\n' $lines
    else
        __fish_complete_path "$current"
    end
end
complete --command whcli --no-files --keep-order --arguments '(__whcli_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def command(
    shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")],
    json: Json = False,
) -> int:
    """Print the script that completes commands, events, schemes and targets; no file is touched."""
    from ..hands.render import stdout
    from ..rules.near import unknown

    if shell not in SCRIPTS:
        raise unknown("shell", shell, SCRIPTS, next="whcli completion " + "|".join(SCRIPTS))
    if json:
        stdout().json({"schema": "whcli.completion/1", "shell": shell, "script": SCRIPTS[shell]})
    else:
        stdout().say(SCRIPTS[shell].rstrip("\n"))
    return Exit.DONE

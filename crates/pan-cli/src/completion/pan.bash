# Completes `pan` command lines in bash: source <(pan completion bash)

_pan() {
    local line kind=''
    COMPREPLY=()
    # The first line says what the others are. A loop, because bash 3 has no mapfile.
    while IFS= read -r line; do
        if [[ -z $kind ]]; then kind=$line; else COMPREPLY+=("$line"); fi
    done < <(OPENPAN_COMPLETE=bash OPENPAN_COMPLETE_BREAKS="$COMP_WORDBREAKS" \
        "$1" -- "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    # Before bash 4 a completion is inserted as it is.
    if [[ $kind == path && ${BASH_VERSINFO[0]} -lt 4 ]]; then
        local i
        for i in "${!COMPREPLY[@]}"; do
            printf -v line %q "${COMPREPLY[i]}"
            COMPREPLY[i]=$line
        done
    fi
    # Blanks in paths are quoted, and only what is behind the last slash is shown.
    [[ $kind == path ]] && compopt -o filenames 2>/dev/null
    [[ ${COMPREPLY[0]-} == *[/=] ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -F _pan pan

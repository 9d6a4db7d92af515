#compdef pan
# Completes `pan` command lines in zsh: source <(pan completion zsh), or as a
# file `_pan` in a directory of $fpath

_pan() {
    local -a lines directories files described
    local line value
    lines=("${(@f)$(OPENPAN_COMPLETE=zsh "${(Q)words[1]}" -- \
        "${(@Q)words[1,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
    if [[ $lines[1] == path ]]; then
        # Only what is behind the last slash is shown.
        local behind=''
        [[ $PREFIX == */* ]] && compset -P '*/' && behind=yes
        for line in "${(@)lines[2,-1]}"; do
            value=${line%/}
            [[ -n $behind ]] && value=${value##*/}
            if [[ $line == */ ]]; then directories+=("$value"); else files+=("$value"); fi
        done
        (( $#directories )) && compadd -q -S / -a directories
        (( $#files )) && compadd -a files
    else
        for line in "${(@)lines[2,-1]}"; do
            value=${${line%%$'\t'*}//:/\\:}
            if [[ $line == *$'\t'* ]]; then value+=":${line#*$'\t'}"; fi
            described+=("$value")
        done
        (( $#described )) && _describe pan described
    fi
}

if [[ $funcstack[1] == _pan ]]; then
    _pan "$@"
else
    compdef _pan pan
fi

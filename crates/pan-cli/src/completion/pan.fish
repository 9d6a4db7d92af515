# Completes `pan` command lines in fish: pan completion fish | source

function __pan_complete
    set -l words (commandline -opc)
    OPENPAN_COMPLETE=fish $words[1] -- $words (commandline -ct) 2>/dev/null
end

complete --command pan --no-files --keep-order --arguments '(__pan_complete)'

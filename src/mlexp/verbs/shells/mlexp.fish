# mlexp completion fish | source in ~/.config/fish/config.fish
function __mlexp_offers
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    $words[1] completion --line "$words $word" 2>/dev/null
end
complete -c mlexp -e
complete -c mlexp -f -a '(__mlexp_offers)'

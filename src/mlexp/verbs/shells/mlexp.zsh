#compdef mlexp
# eval "$(mlexp completion zsh)" in ~/.zshrc, after compinit
_mlexp() {
  local -a ready open
  local line text meaning
  for line in "${(@f)$("${words[1]}" completion --line "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}"; do
    [[ -n $line ]] || continue
    text=${line%%$'\t'*} meaning=${line#*$'\t'}
    text=${text//:/\\:}
    [[ -n $meaning ]] && text+=":$meaning"
    if [[ ${line%%$'\t'*} == *[=./,] ]]; then open+=("$text"); else ready+=("$text"); fi
  done
  local found=1
  (( $#ready )) && _describe -t offers mlexp ready && found=0
  (( $#open )) && _describe -t offers mlexp open -S '' && found=0
  return found
}
compdef _mlexp mlexp

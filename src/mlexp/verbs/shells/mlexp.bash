# eval "$(mlexp completion bash)" in ~/.bashrc
_mlexp() {
  local line=${COMP_LINE:0:COMP_POINT} word begun= offer
  word=${line##*[[:blank:]]}
  # readline begins a new word behind the last =, and replaces only what stands there
  [[ $COMP_WORDBREAKS == *=* ]] && begun=${word%"${word##*=}"}
  [[ $word == *=* ]] || begun=
  COMPREPLY=()
  while IFS=$'\t' read -r offer _; do
    offer=${offer#"$begun"}
    [[ $offer == *[[:space:]\'\"\$\;\&\(\)]* ]] && printf -v offer %q "$offer"
    COMPREPLY+=("$offer")
  done < <("$1" completion --line "$line" 2>/dev/null)
  [[ ${COMPREPLY[0]} == *[=./,] ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o default -F _mlexp mlexp

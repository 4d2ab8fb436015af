/** Scripts that ask `cordon complete` for what fits. What it answers is never expanded by the shell. */
export const completionScripts: Readonly<Record<string, string>> = {
  bash: `_cordon() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(cordon complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _cordon cordon`,
  zsh: `#compdef cordon
_cordon() {
  local line word
  local -a found
  while IFS= read -r line; do
    word=\${line%%$'\\t'*}
    found+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
  done < <(cordon complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then _describe cordon found; else _files; fi
}
compdef _cordon cordon`,
  fish: `function __cordon_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  cordon complete -- $words[2..] "$current" 2>/dev/null
end
complete -c cordon -a '(__cordon_complete)'`,
}

// `zvm completion SHELL`: a script made from the commands themselves, so that it is never behind
// them. The scripts are plain data: completing starts no program and evaluates nothing that is
// typed. Where a command takes operands, files are offered.
import type { Command, Option } from 'commander'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** One command with the words that lead to it; the root has none. */
type Node = {
  readonly path: readonly string[]
  readonly subcommands: readonly Command[]
  readonly options: readonly Option[]
}

export function makeCompletion(program: Command, shell: Shell): string {
  const nodes = nodesOf(program, [])
  switch (shell) {
    case 'bash':
      return bash(nodes)
    case 'zsh':
      return zsh(nodes)
    case 'fish':
      return fish(nodes)
  }
}

function nodesOf(command: Command, path: readonly string[]): Node[] {
  const help = command.createHelp()
  const subcommands = help.visibleCommands(command).filter((sub) => sub.name() !== 'help')
  const children = subcommands.flatMap((sub) => nodesOf(sub, [...path, sub.name()]))
  return [{ path, subcommands, options: help.visibleOptions(command) }, ...children]
}

function bash(nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, subcommands, options }) => {
    const words = subcommands.map((sub) => sub.name()).join(' ')
    const place = quote(path.join(' '))
    return `    ${place}) words=${quote(words)}; options=${quote(flags(options))} ;;`
  })
  return `# Bash completion of zvm. Use: source <(zvm completion bash)
_zvm() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' words='' options='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${path:+$path }\${COMP_WORDS[index]}" in
      ${pathPattern(nodes)}) path=\${path:+$path }\${COMP_WORDS[index]} ;;
    esac
  done
  case $path in
${cases.join('\n')}
  esac
  COMPREPLY=()
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ -n $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}
complete -o bashdefault -o default -F _zvm zvm
`
}

function zsh(nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, subcommands, options }) => {
    const described = subcommands.map((sub) => pair(sub.name(), sub.description()))
    const listed = options.flatMap((option) =>
      option.long ? [pair(option.long, option.description)] : [],
    )
    const values = `commands=(${described.join(' ')}); options=(${listed.join(' ')})`
    return `    ${quote(path.join(' '))}) ${values} ;;`
  })
  return `#compdef zvm
# Zsh completion of zvm. Use: source <(zvm completion zsh)
_zvm() {
  local path_words='' index
  local -a commands options
  for ((index = 2; index < CURRENT; index++)); do
    case "\${path_words:+$path_words }\${words[index]}" in
      ${pathPattern(nodes)}) path_words=\${path_words:+$path_words }\${words[index]} ;;
    esac
  done
  case $path_words in
${cases.join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe -o option options
  elif (( $#commands )); then
    _describe command commands
  else
    _files
  fi
}
compdef _zvm zvm
`
}

function fish(nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, subcommands, options }) => {
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`)
    const names = subcommands.map((sub) => sub.name()).join(' ')
    const open = path.length === 0 ? '__fish_use_subcommand' : seen.join('; and ')
    const none = names === '' ? open : `${open}; and not __fish_seen_subcommand_from ${names}`
    return [
      ...subcommands.map((sub) => {
        const about = `-a ${quote(sub.name())} -d ${quote(sub.description())}`
        return `complete -c zvm -f -n ${quote(path.length === 0 ? open : none)} ${about}`
      }),
      ...options.flatMap((option) => {
        if (option.long === undefined) return []
        const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`
        const value = option.required ? ' -r' : ''
        const name = `-l ${option.long.slice(2)}${short}${value}`
        return [`complete -c zvm -n ${quote(open)} ${name} -d ${quote(option.description)}`]
      }),
    ]
  })
  return `# Fish completion of zvm. Use: zvm completion fish | source\n${lines.join('\n')}\n`
}

function pathPattern(nodes: readonly Node[]): string {
  return nodes.flatMap(({ path }) => (path.length === 0 ? [] : [quote(path.join(' '))])).join(' | ')
}

function flags(options: readonly Option[]): string {
  return options.flatMap(({ short, long }) => [short, long].filter(Boolean)).join(' ')
}

function pair(name: string, description: string): string {
  return quote(`${name}:${description.replaceAll(':', ' -')}`)
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

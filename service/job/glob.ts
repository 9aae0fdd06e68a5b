// Wildcards in keys of objects: `*` is any text within one step of the path, `**` any text at
// all; both ends are anchored. Matching takes time in the product of the two lengths, whatever
// the pattern. Pure.

/** Runs of stars that one pattern may have. */
export const wildcardsMax = 8

type Token = { readonly literal: string } | { readonly crossesSlash: boolean }

export type Glob = {
  readonly wildcardCount: number
  /** What every match begins with. */
  readonly literalPrefix: string
  /** What each wildcard stands for, the first as long as it can be; undefined: no match. */
  match(text: string): readonly string[] | undefined
}

/** Undefined when there are too many wildcards, or more than two stars in a row. */
export function tryGlob(pattern: string): Glob | undefined {
  const pieces = pattern.split(/(\*+)/)
  const tokens = pieces.flatMap((piece, index): Token[] => {
    if (index % 2 === 1) return [{ crossesSlash: piece.length === 2 }]
    return [...piece].map((literal) => ({ literal }))
  })
  const wildcards = pieces.filter((_piece, index) => index % 2 === 1)
  if (wildcards.length > wildcardsMax || wildcards.some((run) => run.length > 2)) return undefined
  return {
    wildcardCount: wildcards.length,
    literalPrefix: pieces[0] ?? '',
    match: (text) => match(tokens, [...text]),
  }
}

export function hasWildcard(pattern: string): boolean {
  return pattern.includes('*')
}

/** Puts captures in the place of wildcards; undefined when there are fewer captures. */
export function tryFill(pattern: string, captures: readonly string[]): string | undefined {
  let used = 0
  const filled = pattern.replace(/\*+/g, () => captures[used++] ?? '')
  return used <= captures.length ? filled : undefined
}

function match(tokens: readonly Token[], text: readonly string[]): string[] | undefined {
  // fits[i][j]: the tokens from i on match the text from j on.
  const fits = tokens.map(() => new Uint8Array(text.length + 1))
  const end = new Uint8Array(text.length + 1)
  end[text.length] = 1
  for (let i = tokens.length - 1; i >= 0; i -= 1) {
    const token = tokens[i]
    const row = fits[i]
    const next = fits[i + 1] ?? end
    if (token === undefined || row === undefined) continue
    for (let j = text.length; j >= 0; j -= 1) {
      if ('literal' in token) row[j] = text[j] === token.literal ? (next[j + 1] ?? 0) : 0
      else row[j] = next[j] || (takes(token, text[j]) ? (row[j + 1] ?? 0) : 0)
    }
  }
  if ((fits[0] ?? end)[0] !== 1) return undefined
  const captures: string[] = []
  let at = 0
  for (const [i, token] of tokens.entries()) {
    if ('literal' in token) {
      at += 1
      continue
    }
    const next = fits[i + 1] ?? end
    let stop = at
    for (let j = at; ; j += 1) {
      if (next[j] === 1) stop = j
      if (j >= text.length || !takes(token, text[j])) break
    }
    captures.push(text.slice(at, stop).join(''))
    at = stop
  }
  return captures
}

function takes(token: { readonly crossesSlash: boolean }, char: string | undefined): boolean {
  return char !== undefined && (token.crossesSlash || char !== '/')
}

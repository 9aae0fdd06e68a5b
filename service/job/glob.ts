// Wildcards in keys of objects: `*` is any text within one step of the path, `**` any text at
// all; both ends are anchored. Matching looks at most at every place of the text for each wildcard,
// whatever the pattern. Pure.

/** Runs of stars that one pattern may have. */
export const wildcardsMax = 8

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
  const literals = pieces.filter((_piece, index) => index % 2 === 0)
  const wildcards = pieces.filter((_piece, index) => index % 2 === 1)
  if (wildcards.length > wildcardsMax || wildcards.some((run) => run.length > 2)) return undefined
  const steps = wildcards.map((run, index) => {
    return { crossesSlash: run.length === 2, literal: literals[index + 1] ?? '' }
  })
  const literalPrefix = literals[0] ?? ''
  return {
    wildcardCount: wildcards.length,
    literalPrefix,
    match: (text) =>
      text.startsWith(literalPrefix) ? match(literalPrefix, steps, text) : undefined,
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

/** A wildcard and what stands behind it. */
type Step = { readonly crossesSlash: boolean; readonly literal: string }

function match(start: string, steps: readonly Step[], text: string): string[] | undefined {
  if (steps.length === 0) return text === start ? [] : undefined
  const ends = endsOf(steps, text)
  const captures: string[] = []
  let at = start.length
  for (const [index, { crossesSlash, literal }] of steps.entries()) {
    let stop: number | undefined
    for (let j = at; ; j += 1) {
      if (ends[index]?.[j] === 1) stop = j
      if (j >= text.length || !takes(crossesSlash, text, j)) break
    }
    if (stop === undefined) return undefined
    captures.push(text.slice(at, stop))
    at = stop + literal.length
  }
  return captures
}

/** [i][j] is 1 where wildcard i may end at place j: the rest of the pattern matches from there. */
function endsOf(steps: readonly Step[], text: string): Uint8Array[] {
  const all: Uint8Array[] = []
  // 1 where what follows the step's literal matches: at first only at the end of the text.
  let rest = new Uint8Array(text.length + 1)
  rest[text.length] = 1
  for (const { crossesSlash, literal } of steps.toReversed()) {
    const ends = new Uint8Array(text.length + 1)
    const starts = new Uint8Array(text.length + 1)
    let at = text.indexOf(literal)
    while (at >= 0) {
      ends[at] = rest[at + literal.length] ?? 0
      // An empty literal is found at the end of the text again and again.
      at = at < text.length ? text.indexOf(literal, at + 1) : -1
    }
    for (let j = text.length; j >= 0; j -= 1) {
      const goesOn = takes(crossesSlash, text, j) && starts[j + 1] === 1
      starts[j] = ends[j] === 1 || goesOn ? 1 : 0
    }
    all.unshift(ends)
    rest = starts
  }
  return all
}

const slash = 0x2f

function takes(crossesSlash: boolean, text: string, at: number): boolean {
  return at < text.length && (crossesSlash || text.charCodeAt(at) !== slash)
}

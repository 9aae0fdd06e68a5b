// The content address of a program or blob. Only this file makes one from text.

declare const brand: unique symbol
/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = string & { readonly [brand]: 'Digest' }

const pattern = /^sha256:[0-9a-f]{64}$/

/** Undefined when the text is not a digest. */
export function tryDigest(text: string): Digest | undefined {
  return pattern.test(text) ? (text as Digest) : undefined
}

/**
 * `hex`: 64 lower-case hexadecimal digits, as hash functions give them. Throws on anything else.
 */
export function digestOfHex(hex: string): Digest {
  const digest = tryDigest(`sha256:${hex}`)
  if (digest === undefined) throw new TypeError('not the hexadecimal form of a SHA-256')
  return digest
}

export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length)
}

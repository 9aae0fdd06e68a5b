// The header Prefer (RFC 7240): of its preferences we know `respond-async`.

export function prefersAsync(header: string | string[] | undefined): boolean {
  const values = [header ?? []].flat().flatMap((value) => value.split(','))
  return values.some((value) => value.split(';', 1)[0]?.trim().toLowerCase() === 'respond-async')
}

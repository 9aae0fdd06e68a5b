// What tests read from a multipart answer.
import assert from 'node:assert/strict'

/** Part name → bytes as latin1. Fails when the body is not complete. */
export async function partsOf(answer: Response): Promise<Map<string, string>> {
  const boundary = /boundary="(.+)"/.exec(answer.headers.get('content-type') ?? '')?.[1]
  const text = Buffer.from(await answer.arrayBuffer()).toString('latin1')
  assert.ok(boundary !== undefined && text.endsWith(`--${boundary}--\r\n`), text.slice(0, 500))
  return new Map(
    text
      .split(`--${boundary}`)
      .slice(1, -1)
      .map((part) => {
        const head = part.slice(0, part.indexOf('\r\n\r\n'))
        const name = /name="([^"]+)"/.exec(head)?.[1] ?? ''
        return [name, part.slice(head.length + 4, -2)]
      }),
  )
}

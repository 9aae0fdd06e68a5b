// A head of a part that is made to be read in very many ways.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tryLeanParts } from '../../../service/http/lean-multipart.ts'

test('a hostile media type is looked at once', () => {
  const body = Buffer.from(
    '--B\r\nContent-Disposition: form-data; name="manifest"\r\n' +
      `Content-Type: a${';a'.repeat(26)}\x01\r\n\r\n{}\r\n--B--\r\n`,
  )
  const began = performance.now()
  assert.equal(tryLeanParts(body, 'B'), undefined)
  assert.ok(performance.now() - began < 500)
})

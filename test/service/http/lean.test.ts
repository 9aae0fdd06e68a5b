// What the lean lane takes: heads and bodies that are plain, and nothing else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tryLeanHead } from '../../../service/http/lean-head.ts'
import { tryLeanParts } from '../../../service/http/lean-multipart.ts'

const lines = ['Host: x', 'Content-Type: application/json', 'Content-Length: 12']
const head = (more: readonly string[], first = 'POST /v1/jobs HTTP/1.1') =>
  tryLeanHead([first, ...lines, ...more].join('\r\n'), 1000, 'x-tenant')

test('a plain head', () => {
  assert.deepEqual(head(['X-Request-Id: a1', 'X-Tenant: t', 'Accept: */*']), {
    bodyBytes: 12,
    tenant: 't',
    requestId: 'a1',
    body: { form: 'json' },
  })
})

test('heads that are for the HTTP server', () => {
  for (const more of [
    'Transfer-Encoding: chunked',
    'Content-Length: 12',
    'Expect: 100-continue',
    'Prefer: respond-async',
    'Connection: close',
    'Accept: application/x-tar',
    'X-Tenant: not a name',
    'Content-Encoding: gzip',
    'no colon',
    ' Folded: x',
    'Tab:\tx',
    'Space : x',
    'Naked: a\nTransfer-Encoding: chunked',
    'Beyond: \u00e9',
  ]) {
    assert.equal(head([more]), undefined, more)
  }
  assert.equal(head([], 'POST /v1/jobs?x HTTP/1.1'), undefined)
  assert.equal(head([], 'POST /v1/jobs HTTP/1.0'), undefined)
  assert.equal(tryLeanHead('POST /v1/jobs HTTP/1.1\r\nHost: x', 1000, ''), undefined)
})

const part = (text: string, more = '') =>
  `--B\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n${more}\r\n${text}\r\n`

test('parts are cut at their boundaries', () => {
  const body = `${part('', 'Content-Type: text/plain\r\n')}${part('x\r\n--b\r\n-')}--B--\r\n`
  const parts = tryLeanParts(Buffer.from(body), 'B')
  assert.deepEqual(
    parts?.map(({ name, contentType, bytes }) => [name, contentType, bytes.toString()]),
    [
      ['a', 'text/plain', ''],
      ['a', '', 'x\r\n--b\r\n-'],
    ],
  )
})

test('bodies that are for the HTTP server', () => {
  const good = part('x')
  for (const body of [
    '',
    good,
    `preamble\r\n${good}--B--\r\n`,
    `${good}--B--\r\nepilogue`,
    `${good}--B-x`,
    `${part('x\r\n--Bx')}--B--\r\n`,
    `${part('x', 'Content-Transfer-Encoding: base64\r\n')}--B--\r\n`,
    `${part('x', 'Content-Length: 2\r\n')}--B--\r\n`,
    `${good.replace('"a"', '"a/b"')}--B--\r\n`,
    `${good.replace('; name="a"', '')}--B--\r\n`,
  ]) {
    assert.equal(tryLeanParts(Buffer.from(body), 'B'), undefined, JSON.stringify(body))
  }
})

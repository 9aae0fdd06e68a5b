// Calls of /v1/objects for the contract test: each with the status that it must give, in order.
type Call = readonly [method: string, path: string, template: string, init: RequestInit]

const one = '/v1/objects/{bucket}/{key}'
const list = '/v1/objects/{bucket}'
const stale = { 'if-match': `"sha256:${'0'.repeat(64)}"` }

export const objectCalls: readonly [number, Call][] = [
  [201, ['put', '/v1/objects/b/a/k', one, { body: 'text' }]],
  [200, ['put', '/v1/objects/b/a/k', one, { body: 'text' }]],
  [400, ['put', '/v1/objects/B/a/k', one, { body: 'text' }]],
  [412, ['put', '/v1/objects/b/a/k', one, { body: 'text', headers: { 'if-none-match': '*' } }]],
  [413, ['put', '/v1/objects/b/big', one, { body: 'x'.repeat(5000) }]],
  [507, ['put', '/v1/objects/b/much', one, { body: 'x'.repeat(4090) }]],
  [200, ['get', '/v1/objects/b/a/k', one, {}]],
  [206, ['get', '/v1/objects/b/a/k', one, { headers: { range: 'bytes=1-2' } }]],
  [304, ['get', '/v1/objects/b/a/k', one, { headers: { 'if-none-match': '*' } }]],
  [400, ['get', '/v1/objects/b/%0a', one, {}]],
  [404, ['get', '/v1/objects/b/none', one, {}]],
  [416, ['get', '/v1/objects/b/a/k', one, { headers: { range: 'bytes=9-' } }]],
  [200, ['get', '/v1/objects', '/v1/objects', {}]],
  [200, ['get', '/v1/objects/b?prefix=a/&limit=1', list, {}]],
  [400, ['get', '/v1/objects/b?limit=0', list, {}]],
  [412, ['delete', '/v1/objects/b/a/k', one, { headers: stale }]],
  [400, ['delete', '/v1/objects/b/%7f', one, {}]],
  [204, ['delete', '/v1/objects/b/a/k', one, {}]],
  [404, ['delete', '/v1/objects/b/a/k', one, {}]],
]

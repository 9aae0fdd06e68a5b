// The published schema accepts every manifest of the examples and the docs, and refuses what the
// parser refuses for its shape.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { makeManifestSchema } from '../../../service/job/manifest-schema.ts'
import { refused } from './bad-graphs.ts'

const root = join(import.meta.dirname, '../../..')
const validate = new Ajv2020({ strict: false }).compile(makeManifestSchema())

test('it accepts the examples', async () => {
  let count = 0
  for await (const file of glob('examples/*/*.json', { cwd: root })) {
    const manifest: unknown = JSON.parse(readFileSync(join(root, file), 'utf8'))
    assert.ok(validate(manifest), `${file}: ${JSON.stringify(validate.errors)}`)
    count += 1
  }
  assert.ok(count >= 5)
})

test('it refuses every shape that the parser refuses', () => {
  // A NUL is the one rule of shape that a schema cannot say simply.
  const shapes = refused.filter(([what, code]) => /field$/.test(code) && !/NUL/.test(what))
  assert.ok(shapes.length > 40)
  for (const [what, , , manifest] of shapes) assert.ok(!validate(manifest), what)
})

test('rules between fields are left to the parser', () => {
  const rules = refused.filter(([, code]) => !/field$/.test(code))
  for (const [what, , , manifest] of rules) assert.ok(validate(manifest), what)
})

test('a manifest of one node', () => {
  assert.ok(validate({ program: 'part:p', args: ['x'] }))
  assert.ok(!validate({ program: 'part:p', colour: 1 }))
  assert.ok(!validate({}))
})

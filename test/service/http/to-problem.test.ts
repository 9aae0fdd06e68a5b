// Errors of the system become the problems that clients can do something about.
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { Problem } from '../../../service/http/problem.ts'
import { toProblem } from '../../../service/http/to-problem.ts'
import { parseManifest } from '../../../service/job/parse-manifest.ts'

test('a full database, a full disk, no descriptors', () => {
  const db = new DatabaseSync(':memory:')
  db.exec('PRAGMA max_page_count = 2; CREATE TABLE t (x TEXT)')
  const fill = () => db.exec('INSERT INTO t VALUES (hex(randomblob(100000)))')
  assert.throws(fill, (error) => toProblem(error).code === 'no-space')
  db.close()
  const codeOf = (code: string) => toProblem(Object.assign(new Error(), { code })).code
  assert.deepEqual(['ENOSPC', 'EDQUOT', 'EMFILE'].map(codeOf), [
    'no-space',
    'no-space',
    'worker-failed',
  ])
})

test('what is unknown is internal, and its text is kept from clients', () => {
  const problem = toProblem(new Error('secret'))
  assert.equal(problem.code, 'internal')
  assert.ok(!problem.message.includes('secret'))
})

test('of very many mistakes in a manifest the first hundred are told', () => {
  const fields = Array.from({ length: 1000 }, (_, at) => [`x${at}`, 0])
  const manifest = { program: 'part:p', ...Object.fromEntries(fields) }
  let problem: Problem | undefined
  try {
    parseManifest(Buffer.from(JSON.stringify(manifest)), 'json')
  } catch (error) {
    problem = toProblem(error)
  }
  assert.equal(problem?.code, 'unknown-field')
  const { errors } = problem?.more ?? {}
  assert.equal(Array.isArray(errors) && errors.length, 100)
})

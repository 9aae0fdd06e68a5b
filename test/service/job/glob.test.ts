// Wildcards in keys: what they match, what they capture, what a hostile one costs.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tryGlob } from '../../../service/job/glob.ts'

describe('wildcards', () => {
  const cases: readonly [string, string, readonly string[] | undefined][] = [
    ['*.txt', 'a.txt', ['a']],
    ['*.txt', 'a.txt.bak', undefined],
    ['*.txt', 'd/a.txt', undefined],
    ['**.txt', 'd/a.txt', ['d/a']],
    ['*', '', ['']],
    ['a*b*c', 'abbc', ['b', '']],
    ['*/*', 'x/y', ['x', 'y']],
    ['**/*', 'x/y/z', ['x/y', 'z']],
    ['x', 'x', []],
    ['x', 'xx', undefined],
    ['é*', 'éa', ['a']],
    ['.*', 'aa', undefined],
    ['', '', []],
  ]
  for (const [pattern, text, captures] of cases) {
    it(`${pattern} on ${JSON.stringify(text)}`, () => {
      assert.deepEqual(tryGlob(pattern)?.match(text), captures)
    })
  }
  it('cost little on a hostile pattern', () => {
    const began = performance.now()
    assert.equal(tryGlob('**a**a**a**a**a**a**a**b')?.match('a'.repeat(1024)), undefined)
    assert.ok(performance.now() - began < 100)
  })
})

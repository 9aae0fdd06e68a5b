// Wildcards of a graph over more objects than anybody should wait for.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readConfig } from '../../../service/config.ts'
import { PlanError } from '../../../service/job/errors.ts'
import { parseJsonGraph } from '../../../service/job/graph-json.ts'
import { makeGraphPlan } from '../../../service/job/graph-plan.ts'

const { limits } = readConfig({})
const channel = (key: string) => ({ alias: '/dev/stdin', source: `file:many/${key}` })

describe('wildcards over very many objects', () => {
  const plan = (list: (bucket: string) => readonly string[] | undefined, key: string) =>
    makeGraphPlan(
      parseJsonGraph({ nodes: [{ name: 'a', program: 'part:p', channels: [channel(key)] }] }),
      list,
      limits,
    )
  const isRefused = (error: unknown) => {
    assert.ok(error instanceof PlanError)
    assert.deepEqual(error.issues[0]?.code, 'wildcard-too-broad')
    return true
  }

  it('are refused before they keep everybody waiting', () => {
    const keys = Array.from({ length: 20_000 }, () => 'a'.repeat(1024))
    const hostile = `**${`${'a'.repeat(120)}**`.repeat(7)}b`
    const began = performance.now()
    assert.throws(() => plan(() => keys, hostile), isRefused)
    assert.ok(performance.now() - began < 10_000)
    assert.throws(() => plan(() => undefined, '*'), isRefused)
  })
})

/**
 * npm run torture -- [c|libc] [-O0|-O2|-O3]... [--profile zvm|nacl] [--only PATTERN] [--every N]
 *                    [--jobs N] [--verbose]
 *
 * Compiles and runs public test suites as guests: c (default) is GCC's C torture suite, libc the
 * tests of newlib and gnulib. A failure counts when the host's GCC and C library pass the test (a
 * guest that passes needs no host run). Fails when a
 * test fails that known-failures.txt (libc-failures.txt) does not list, or a listed one passes.
 */

import { readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { HostRuns, type Outcome, type Profile, runGuest } from './execute.ts'
import { type SuiteName, type Test, testsOf } from './sources.ts'

const own = import.meta.dirname
const tools = resolve(own, '../../../native/build')
const work = join(tools, 'torture', String(process.pid))

/** One line of a list of known failures: NAME LEVELS REASON, where LEVELS is `*` or `-O2,-O3`. */
type Known = { readonly levels: string; readonly reason: string }

function readKnown(suite: SuiteName): Map<string, Known> {
  const path = join(own, suite === 'c' ? 'known-failures.txt' : 'libc-failures.txt')
  const known = new Map<string, Known>()
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, name, levels, reason] = /^(\S+)\s+(\S+)\s+(\S.*)$/.exec(line) ?? []
    if (!name || !levels || !reason) throw new Error(`${path}: not NAME LEVELS REASON: ${line}`)
    known.set(name, { levels, reason })
  }
  return known
}

function isKnown(known: Known | undefined, level: string): boolean {
  return known !== undefined && (known.levels === '*' || known.levels.split(',').includes(level))
}

/** A test that asks for something that no guest can have is no test of the compiler. */
function isExcluded(known: Known | undefined): boolean {
  return known?.reason.startsWith('os:') ?? false
}

type Count = { passed: number; counted: number; surprises: number }

type Plan = {
  readonly suite: SuiteName
  readonly profile: Profile
  readonly jobs: number
  readonly verbose: boolean
  readonly tests: readonly Test[]
}

async function runLevel(plan: Plan, level: string, host: HostRuns): Promise<Count> {
  const known = readKnown(plan.suite)
  const count: Count = { passed: 0, counted: 0, surprises: 0 }
  const queue = [...plan.tests]
  let done = 0

  const judge = (test: Test, result: Outcome) => {
    const passed = result.verdict === 'pass'
    const expected = isKnown(known.get(test.name), level)
    if (!isExcluded(known.get(test.name))) {
      count.counted += 1
      if (passed) count.passed += 1
    }
    if (passed === expected) {
      const what = passed ? 'passes, but is listed as a failure' : `${result.verdict} fails`
      count.surprises += 1
      console.log(`!! ${test.name} ${level}: ${what}\n${result.detail}`)
    }
    if (plan.verbose) console.log(`${passed ? 'ok' : 'not ok'} ${test.name} ${result.detail}`)
  }

  const worker = async () => {
    for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
      const result = await runGuest(tools, work, test, level, plan.profile)
      if (result.verdict === 'pass' || (await host.passes(test, level))) judge(test, result)
      done += 1
      if (done % 200 === 0) {
        console.log(`  ${level}: ${done}/${plan.tests.length}`)
        host.save()
      }
    }
  }
  await Promise.all(Array.from({ length: plan.jobs }, worker))
  return count
}

function parseCommandLine(): { plan: Plan; levels: string[] } {
  const levels = process.argv.slice(2).filter((argument) => /^-O\w*$/.test(argument))
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2).filter((argument) => !/^-O\w*$/.test(argument)),
    allowPositionals: true,
    options: {
      profile: { type: 'string', default: 'zvm' },
      only: { type: 'string', default: '' },
      every: { type: 'string', default: '1' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      verbose: { type: 'boolean', default: false },
    },
  })
  const suite: SuiteName = positionals[0] === 'libc' ? 'libc' : 'c'
  const profile: Profile = values.profile === 'nacl' ? 'nacl' : 'zvm'
  const pattern = new RegExp(values.only)
  const step = Math.max(1, Number(values.every))
  const tests = testsOf(suite, own).filter(
    (test, index) => pattern.test(test.name) && index % step === 0,
  )
  if (levels.length === 0) levels.push(...(suite === 'c' ? ['-O0', '-O2', '-O3'] : ['-O2']))
  const jobs = Math.max(1, Number(values.jobs))
  return { plan: { suite, profile, jobs, verbose: values.verbose, tests }, levels }
}

const { plan, levels } = parseCommandLine()
const host = new HostRuns(work)
let failed = false
for (const level of levels) {
  const start = performance.now()
  const { passed, counted, surprises } = await runLevel(plan, level, host)
  host.save()
  const percent = counted === 0 ? 100 : (100 * passed) / counted
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  const skipped = plan.tests.length - counted
  console.log(
    `${plan.suite} ${plan.profile} ${level}: ${passed} of ${counted} pass (${percent.toFixed(2)} %), ` +
      `${skipped} do not count, ${surprises} surprises, ${seconds} s`,
  )
  failed ||= surprises > 0
}
rmSync(work, { recursive: true, force: true })
process.exitCode = failed ? 1 : 0

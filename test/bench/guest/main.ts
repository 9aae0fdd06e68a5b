// npm run bench -- guest [--json FILE] [--repeat N] [--only NAME]... [--no-wasm] [--no-build]
//   [--smoke]
// Kernels built by the same compiler for this machine and for the sandbox in both profiles, and for
// WebAssembly; run interleaved, the least time of each counts. Every run must print what the native
// one prints. --smoke: a little of every kernel, outputs compared, nothing timed.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Built, build, type Target } from './build.ts'
import { type Kernel, kernels } from './kernels.ts'
import { measureLibc } from './libc.ts'
import { mean, type Row, table } from './report.ts'
import { runProgram } from './run.ts'

const jobs = 2

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    repeat: { type: 'string', default: '7' },
    only: { type: 'string', multiple: true },
    'no-wasm': { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
  },
})

const targets: Target[] = options.smoke
  ? ['native', 'zvm']
  : ['native', 'zvm', 'nacl', ...(options['no-wasm'] ? [] : (['wasm'] as const))]

function chosen(): Kernel[] {
  const { only } = options
  if (only === undefined) return [...kernels]
  for (const name of only) {
    if (name !== 'libc' && !kernels.some((kernel) => kernel.name === name)) {
      throw new Error(`no kernel '${name}'; there are: ${kernels.map((k) => k.name).join(', ')}`)
    }
  }
  return kernels.filter((kernel) => only.includes(kernel.name))
}

async function buildAll(wanted: readonly Kernel[]): Promise<Built[]> {
  const queue = wanted.flatMap((kernel) => targets.map((target) => ({ kernel, target })))
  const built: Built[] = []
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const made = await build(next.kernel, next.target, options.smoke, !options['no-build'])
      if (made !== null) built.push(made)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  return built
}

/** One run of every target, outputs compared; adds to the least times. */
function round(kernel: Kernel, programs: readonly Built[], times: Row['times']): void {
  const args = options.smoke ? [String(kernel.smoke.percent)] : []
  let expected: string | undefined
  for (const target of targets) {
    const program = programs.find((b) => b.kernel === kernel && b.target === target)?.program
    if (program === undefined) continue
    const { output, cpu_ms } = runProgram(target, program, args)
    expected ??= output
    if (output !== expected || output === '') {
      throw new Error(`${kernel.name}, ${target}: printed '${output}', native '${expected}'`)
    }
    times[target] = Math.min(times[target] ?? Number.POSITIVE_INFINITY, cpu_ms)
  }
}

const wanted = chosen()
const programs = await buildAll(wanted)
const rows: Row[] = wanted.map((kernel) => ({ name: kernel.name, times: {} }))
const repeat = options.smoke ? 1 : Number(options.repeat)
for (let i = 0; i < repeat; ++i) {
  for (const [at, kernel] of wanted.entries()) round(kernel, programs, rows[at]?.times ?? {})
}
if (options.smoke) {
  console.log(`bench guest: ${rows.length} kernels print the same natively and in the sandbox`)
} else {
  if (rows.length > 0) console.log(table('kernel', rows, targets))
  const libc =
    options.only === undefined || options.only.includes('libc') ? await measureLibc(repeat) : []
  if (libc.length > 0) console.log(`\n${table('libc', libc, ['native', 'zvm', 'nacl'])}`)
  if (options.json !== undefined) {
    const means = Object.fromEntries(targets.map((target) => [target, mean(rows, target)]))
    writeFileSync(options.json, `${JSON.stringify({ kernels: rows, means, libc }, null, 2)}\n`)
  }
}

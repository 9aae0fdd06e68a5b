// Section "libc" of the bench: functions of the C library on large buffers against glibc's.
import { build, type Target } from './build.ts'
import type { Kernel } from './kernels.ts'
import type { Row } from './report.ts'
import { runProgram } from './run.ts'

const kernel: Kernel = {
  name: 'libc',
  sources: ['libc.c'],
  flags: ['-fno-builtin'],
  smoke: { percent: 1, optimise: '-O2' },
}
const functions = ['memcpy', 'memset', 'strlen', 'memchr']
const sizes = { '64 KiB': 1 << 16, '1 MiB': 1 << 20, '16 MiB': 1 << 24 }
/** Bytes that each run goes through; memory beyond the caches is slower. */
const total = { '64 KiB': 2 ** 33, '1 MiB': 2 ** 32, '16 MiB': 2 ** 31 }
const targets: readonly Target[] = ['native', 'zvm', 'nacl']

/** The time for a size without what the program takes to start and to make its buffers. */
export async function measureLibc(repeat: number): Promise<Row[]> {
  const programs = await Promise.all(targets.map((target) => build(kernel, target, false)))
  const rows: Row[] = []
  for (const name of functions) {
    for (const [label, size] of Object.entries(sizes)) {
      const count = total[label as keyof typeof sizes] / size
      const times: Row['times'] = {}
      const start: Row['times'] = {}
      for (let i = 0; i < repeat; ++i) {
        for (const [at, target] of targets.entries()) {
          const program = programs[at]?.program ?? ''
          const least = (into: Row['times'], n: number) => {
            const { cpu_ms } = runProgram(target, program, [name, String(size), String(n)])
            into[target] = Math.min(into[target] ?? Number.POSITIVE_INFINITY, cpu_ms)
          }
          least(times, count + 1)
          least(start, 1)
        }
      }
      for (const target of targets) times[target] = (times[target] ?? 0) - (start[target] ?? 0)
      rows.push({ name: `${name} ${label}`, times })
    }
  }
  return rows
}

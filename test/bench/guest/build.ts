// Builds a kernel for every target: natively, for the sandbox in both profiles, for WebAssembly.
import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Kernel } from './kernels.ts'
import { expandFlag, ownFlags, sourceFiles, tools, work } from './sources.ts'

const run = promisify(execFile)

export type Target = 'native' | 'zvm' | 'nacl' | 'wasm'

export interface Built {
  readonly kernel: Kernel
  readonly target: Target
  readonly program: string
}

function compiler(target: Target, cxx: boolean): string[] {
  if (target === 'native') return [cxx ? 'g++-12' : 'gcc-12', '-m64', '-static']
  if (target === 'wasm') return ['clang-16', '--target=wasm32-wasi', '-fuse-ld=lld']
  return [join(tools, cxx ? 'zvm-c++' : 'zvm-cc'), '--profile', target]
}

/** What the target's own compiler and libraries are: a change of these builds again. */
function toolFiles(target: Target): string[] {
  if (target !== 'zvm' && target !== 'nacl') return []
  return [join(tools, 'zvm-cc'), ...globSync(join(tools, `sysroot/lib/${target}/*`)).sort()]
}

function command(kernel: Kernel, target: Target, optimise: string, program: string): string[] {
  const files = kernel.sources.flatMap(sourceFiles)
  const guest = target === 'zvm' || target === 'nacl'
  const flags = [
    ...(kernel.flags ?? []),
    ...(guest ? (kernel.guest ?? []) : []),
    ...(target === 'wasm' ? (kernel.wasm ?? []) : []),
  ].map(expandFlag)
  const libraries = flags.filter((flag) => flag.startsWith('-l'))
  const rest = flags.filter((flag) => !flag.startsWith('-l'))
  const cxx = files[0]?.endsWith('.cc') ?? false
  return [
    ...compiler(target, cxx),
    optimise,
    ...ownFlags,
    ...rest,
    ...files,
    '-o',
    program,
    ...libraries,
  ]
}

/** Null when the kernel does not exist for the target. `again` false: whatever is there will do. */
export async function build(
  kernel: Kernel,
  target: Target,
  smoke: boolean,
  again = true,
): Promise<Built | null> {
  if (target === 'wasm' && kernel.wasm === null) return null
  const folder = join(work, smoke ? 'smoke' : 'full', target)
  mkdirSync(folder, { recursive: true })
  const program = join(folder, kernel.name)
  if (!again && existsSync(program)) return { kernel, target, program }
  const line = command(kernel, target, smoke ? kernel.smoke.optimise : '-O2', program)
  const inputs = [...line.filter((word) => /\.(c|cc)$/.test(word)), ...toolFiles(target)]
  const kernelHeaders = globSync(join(import.meta.dirname, 'kernels/*.h'))
  const stamp = [line, [...inputs, ...kernelHeaders].map((file) => statSync(file).mtimeMs)]
  const key = JSON.stringify(stamp)
  let known = ''
  try {
    known = readFileSync(`${program}.key`, 'utf8')
  } catch {}
  if (known !== key) {
    await run(line[0] ?? '', line.slice(1), { maxBuffer: 1 << 26 }).catch((error: unknown) => {
      const { stderr } = error as { stderr?: string }
      throw new Error(`${kernel.name} does not build for ${target}:\n${stderr ?? String(error)}`)
    })
    writeFileSync(`${program}.key`, key)
  }
  return { kernel, target, program }
}

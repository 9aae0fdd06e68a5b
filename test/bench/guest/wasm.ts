// Runs a WebAssembly module under WASI: wasm.ts MODULE [ARGUMENT...]. Writes "run MS" to standard
// error: the thread's processor time for the second run in one process, when everything that the
// kernel uses is compiled (start V8 with --no-liftoff: by its optimising compiler).
import { openSync, readFileSync } from 'node:fs'
import { WASI } from 'node:wasi'

// What is used of the engine's interface, whose types come with a browser's only.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: object)
  }
}

const [, , file = '', ...args] = process.argv
const module = new WebAssembly.Module(readFileSync(file))

function run(stdout: number): number {
  const wasi = new WASI({ version: 'preview1', args: [file, ...args], returnOnExit: true, stdout })
  const instance = new WebAssembly.Instance(module, wasi.getImportObject())
  const before = process.threadCpuUsage()
  process.exitCode = wasi.start(instance)
  const used = process.threadCpuUsage(before)
  return (used.user + used.system) / 1000
}

run(openSync('/dev/null', 'w'))
console.error(`run ${run(1)}`)

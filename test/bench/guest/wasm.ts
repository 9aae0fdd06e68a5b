// Runs a WebAssembly module under WASI: wasm.ts MODULE [ARGUMENT...]. Writes "run MS" to standard
// error: the thread's processor time from the module's start to its end, without compilation.
import { readFileSync } from 'node:fs'
import { WASI } from 'node:wasi'

const [, , file = '', ...args] = process.argv
const wasi = new WASI({ version: 'preview1', args: [file, ...args], returnOnExit: true })
const module = await WebAssembly.compile(readFileSync(file))
const instance = await WebAssembly.instantiate(module, wasi.getImportObject() as WebAssembly.Imports)
const before = process.threadCpuUsage()
const status = wasi.start(instance)
const used = process.threadCpuUsage(before)
console.error(`run ${(used.user + used.system) / 1000}`)
process.exitCode = status

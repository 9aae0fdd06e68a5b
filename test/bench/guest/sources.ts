// Where the kernels' sources are: kernels/ for our own, upstream's from Debian source packages.
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../../..')
export const tools = join(root, 'native/build')
export const work = join(tools, 'bench-guest')
const own = join(import.meta.dirname, 'kernels')

/** The unpacked source package, fetched when it is not there. */
function packageFolder(name: string): string {
  const folder = join(work, 'sources', name)
  if (!existsSync(folder)) {
    mkdirSync(join(work, 'sources'), { recursive: true })
    execFileSync(join(root, 'examples/ports/fetch.sh'), [name, folder], { stdio: 'pipe' })
  }
  if (name === 'sqlite3') makeAmalgamation(folder)
  return folder
}

/** SQLite as one file, as its authors recommend it; their makefile joins it with tclsh. */
function makeAmalgamation(folder: string): void {
  const made = join(folder, 'amalgamation')
  if (existsSync(join(made, 'sqlite3.c'))) return
  mkdirSync(made, { recursive: true })
  execFileSync('../configure', { cwd: made, stdio: 'pipe' })
  execFileSync('make', ['sqlite3.c'], { cwd: made, stdio: 'pipe' })
}

function split(text: string): [name: string, rest: string] {
  const at = text.indexOf(':')
  return [text.slice(0, at), text.slice(at + 1)]
}

/** The files that an entry of Kernel.sources stands for; at least one. */
export function sourceFiles(source: string): string[] {
  if (!source.includes(':')) return [join(own, source)]
  const [name, pattern] = split(source)
  const folder = packageFolder(name)
  const files = globSync(pattern, { cwd: folder }).sort()
  if (files.length === 0) throw new Error(`${name} has no ${pattern}`)
  return files.map((file) => join(folder, file))
}

/** "-Iinclude:PACKAGE:FOLDER" and "-Iinclude:FOLDER of kernels/" with the real folder. */
export function expandFlag(flag: string): string {
  const mark = '-Iinclude:'
  if (!flag.startsWith(mark)) return flag
  const place = flag.slice(mark.length)
  if (!place.includes(':')) return `-I${join(own, place)}`
  const [name, folder] = split(place)
  return `-I${join(packageFolder(name), folder)}`
}

export const ownFlags = [`-I${own}`, '-w']

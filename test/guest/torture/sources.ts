/**
 * The tests and where they come from: GCC's C torture suite (package gcc-12-source), newlib's own
 * tests (newlib-source) and gnulib's tests of POSIX functions (gnulib). Unpacked once into the cache
 * (ZVM_CACHE_DIR, default ~/.cache/zvm); nothing of them is kept in this repository.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'

export type SuiteName = 'c' | 'libc'

/** One program: it passes when it ends with exit code 0. */
export type Test = {
  /** `pr12345`, `ieee/rbug`, `gnulib/strtod`: what the lists of known failures and --only name. */
  readonly name: string
  readonly sources: readonly string[]
  /** What the test itself asks of the compiler, after the optimisation level. */
  readonly flags: readonly string[]
  /** Everything its verdict depends on beside the compiler, for the cache of host runs. */
  readonly content: string
}

const cache = join(process.env.ZVM_CACHE_DIR ?? join(homedir(), '.cache/zvm'), 'torture')
const gccArchive = '/usr/src/gcc-12/gcc-12.2.0-dfsg.tar.xz'
const newlibArchive = '/usr/src/newlib/newlib-3.3.0.tar.xz'
const gnulibTests = '/usr/share/gnulib/tests'
const gnulibHeaders = '/usr/share/gnulib/lib'

/** Where the verdicts of host runs are kept. */
export const hostVerdictsFile = join(cache, 'host.json')

function unpack(name: string, archive: string, member: string, strip: number): string {
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  if (!existsSync(archive)) throw new Error(`${archive}: missing (native/packages.sh guest)`)
  const draft = `${folder}.${process.pid}`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  execFileSync('tar', ['-C', draft, '--strip-components', String(strip), '-xf', archive, member])
  renameSync(draft, folder)
  return folder
}

/** Does a target selector of a dg- directive, `{ target ... }`, speak of this machine? */
function isOurTarget(selector: string | undefined): boolean {
  if (selector === undefined) return true
  return /x86_64-\*-\*/.test(selector) && !/ia32/.test(selector)
}

/** The flags that `dg-options` and `dg-additional-options` comments ask for. */
function directiveFlags(source: string): string[] {
  const directive =
    /dg-(?:additional-)?options\s+(?:"([^"]*)"|\{\s*"([^"]*)"\s*\})(?:\s*(\{ *target.*\}) *\})?/g
  const flags: string[] = []
  for (const [, plain, braced, selector] of source.matchAll(directive)) {
    if (isOurTarget(selector)) flags.push(...(plain ?? braced ?? '').split(/\s+/).filter(Boolean))
  }
  return flags
}

/** The flags that the `.x` file beside a test of the ieee folder adds. */
function companionFlags(path: string): string[] {
  if (!existsSync(path)) return []
  const flags: string[] = []
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (/^lappend additional_flags/.test(line)) flags.push(...(line.match(/-f[\w-]+/g) ?? []))
  }
  return flags
}

function programsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.c'))
    .sort()
    .map((name) => join(folder, name))
}

function stem(path: string): string {
  return basename(path, '.c')
}

function gccTests(): Test[] {
  const member = 'gcc-12.2.0/gcc/testsuite/gcc.c-torture/execute'
  const folder = unpack('gcc-12.2.0', gccArchive, member, 5)
  const one =
    (prefix: string) =>
    (path: string): Test => {
      const content = readFileSync(path, 'latin1')
      const flags = ['-w', ...directiveFlags(content), ...companionFlags(path.replace(/c$/, 'x'))]
      return { name: prefix + stem(path), sources: [path], flags, content }
    }
  return [...programsIn(folder).map(one('')), ...programsIn(join(folder, 'ieee')).map(one('ieee/'))]
}

function newlibTests(): Test[] {
  const folder = unpack('newlib-3.3.0', newlibArchive, 'newlib-salsa/newlib/testsuite', 3)
  const tests: Test[] = []
  for (const group of readdirSync(folder)
    .filter((name) => name.startsWith('newlib.'))
    .sort()) {
    for (const path of programsIn(join(folder, group))) {
      const flags = ['-w', `-I${folder}/include`]
      const name = `${group}/${stem(path)}`
      tests.push({ name, sources: [path], flags, content: readFileSync(path, 'latin1') })
    }
  }
  return tests
}

/** gnulib tests every function that POSIX names through a small program of its own. */
function gnulibTestsHere(own: string): Test[] {
  if (!existsSync(gnulibTests))
    throw new Error('package gnulib is missing (native/packages.sh guest)')
  return programsIn(gnulibTests)
    .filter((path) => /\/test-[\w-]+\.c$/.test(path))
    .map((path) => ({
      name: `gnulib/${stem(path).slice('test-'.length)}`,
      sources: [path],
      flags: ['-w', `-I${own}/gnulib`, `-I${gnulibTests}`, '-idirafter', gnulibHeaders],
      content: readFileSync(path, 'latin1'),
    }))
}

/** All tests of a suite, sorted; `own` is the folder of this file. */
export function testsOf(suite: SuiteName, own: string): Test[] {
  mkdirSync(cache, { recursive: true })
  return suite === 'c' ? gccTests() : [...newlibTests(), ...gnulibTestsHere(own)]
}

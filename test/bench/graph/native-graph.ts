// The nodes of a graph as native processes joined by pipes: what a shell script would do, with the
// pipes and the files that the service would use.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { loadNative } from '../../../service/native.ts'
import { nativeDir } from '../http/servers.ts'

export type NativeNode = {
  readonly name: string
  /** Files; absent: nothing to read, nobody reads. */
  readonly stdin?: string
  readonly stdout?: string
  /** Names of the nodes that it writes to. */
  readonly connect: readonly string[]
}

/** Runs all of them in `folder`; the seconds from the first start to the last end. */
export async function runNative(
  program: string,
  nodes: readonly NativeNode[],
  folder: string,
  pipeBytes: number,
): Promise<number> {
  const native = loadNative(nativeDir)
  const ends = new Map(nodes.map(({ name }) => [name, [] as { path: string; fd: number }[]]))
  for (const { name, connect } of nodes) {
    for (const peer of connect) {
      const { read, write } = native.makePipe({ sizeBytes: pipeBytes })
      ends.get(name)?.push({ path: `dev/out/${peer}`, fd: write.release() })
      ends.get(peer)?.push({ path: `dev/in/${name}`, fd: read.release() })
    }
  }
  for (const { name } of nodes) {
    await mkdir(join(folder, name, 'dev/in'), { recursive: true })
    await mkdir(join(folder, name, 'dev/out'), { recursive: true })
    for (const [at, { path }] of (ends.get(name) ?? []).entries()) {
      await symlink(`/proc/self/fd/${at + 3}`, join(folder, name, path))
    }
  }
  const startMs = performance.now()
  const children = nodes.map(({ name, stdin, stdout }) => {
    const fds = (ends.get(name) ?? []).map(({ fd }) => fd)
    const input = openSync(stdin ?? '/dev/null', 'r')
    const output = openSync(stdout ?? '/dev/null', 'w')
    const child = spawn(program, [], {
      stdio: [input, output, 'inherit', ...fds],
      cwd: join(folder, name),
      env: { ZVM_NODE: name },
    })
    for (const fd of [input, output, ...fds]) closeSync(fd)
    return once(child, 'exit')
  })
  const codes = (await Promise.all(children)).map(([code]) => code)
  if (codes.some((code) => code !== 0)) throw new Error(`native nodes exited with ${codes}`)
  return (performance.now() - startMs) / 1000
}

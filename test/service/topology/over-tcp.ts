// A topology as classic sessions: a zvm-run for each node, joined by tcp: channels, which find each
// other through a name server.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { nativeDir } from '../api/server.ts'
import { checkPrefix, checkWhole, data, type Side } from './expect.ts'
import { readersOf, type Topology, type TopologyNode } from './topologies.ts'

const endlessMs = 500
/** Nobody waits for longer, whatever the load of the machine. */
const hangMs = 60_000

const reportSchema = z.object({
  outcome: z.string(),
  exitCode: z.number().nullable(),
  error: z.object({ code: z.string() }).nullable(),
  channels: z.array(
    z.object({
      alias: z.string(),
      readBytes: z.number(),
      writeBytes: z.number(),
      etag: z.string().nullable(),
    }),
  ),
})
type Ended = { readonly name: string; readonly text: string }

/** Fails when anything is not as it must be. */
export async function runOverTcp(topology: Topology, isEndless: boolean): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'zvm-topology-'))
  const started: ChildProcess[] = []
  try {
    await writeFile(join(folder, 'data'), data)
    const count = topology.nodes.length
    const names = start(['--name-server', String(count)], started)
    const port = Number(/[0-9]+/.exec(await firstLine(names))?.[0])
    const limits = isEndless ? ['--wall-ms', String(endlessMs)] : []
    const runs = topology.nodes.map(async (node): Promise<Ended> => {
      const { name } = node
      const manifest = join(folder, `${name}.manifest`)
      await writeFile(manifest, manifestOf(topology, node, { folder, port, isEndless }))
      const options = ['-P', '--report', 'json', '--etag', 'sha256', ...limits]
      return { name, text: await textOf(start([...options, manifest], started)) }
    })
    const ended = await Promise.all(runs)
    names.kill()
    await check(topology, ended, folder, isEndless)
  } finally {
    for (const child of started) child.kill('SIGKILL')
    await rm(folder, { recursive: true })
  }
}

function start(args: readonly string[], started: ChildProcess[]): ChildProcess {
  const child = spawn(join(nativeDir, 'zvm-run'), [...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: hangMs,
  })
  started.push(child)
  return child
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  assert.ok(stdout !== null)
  return String((await once(stdout, 'data'))[0])
}

async function textOf(child: ChildProcess): Promise<string> {
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [, signal] = await once(child, 'close')
  assert.equal(signal, null, 'it hung and was killed')
  return Buffer.concat(chunks).toString()
}

type Place = { readonly folder: string; readonly port: number; readonly isEndless: boolean }

function manifestOf(topology: Topology, node: TopologyNode, place: Place): string {
  const { folder, port, isEndless } = place
  const numberOf = (name: string) => 1 + topology.nodes.findIndex((each) => each.name === name)
  const to = (names: readonly string[]) => names.map((name) => `tcp:${numberOf(name)}:`).join(';')
  const readers = readersOf(topology, node.name)
  const input = isEndless ? '/dev/zero' : join(folder, 'data')
  const end = isEndless ? '/dev/null' : join(folder, `${node.name}.out`)
  const unbounded = '1000000000,1000000000000'
  return [
    'Version=20130611',
    `Program=${join(nativeDir, 'guest/asm/relay.nexe')}`,
    'Memory=33554432,0',
    'Timeout=60',
    `Node=${numberOf(node.name)}`,
    `NameServer=udp:127.0.0.1:${port}`,
    `Channel=${to(node.readsFrom) || input},/dev/stdin,0,1,${unbounded},0,0`,
    `Channel=${to(readers) || end},/dev/stdout,0,1,0,0,${unbounded}`,
    'Channel=/dev/null,/dev/stderr,0,0,0,0,10,10',
    '',
  ].join('\n')
}

async function check(
  topology: Topology,
  ended: readonly Ended[],
  folder: string,
  isEndless: boolean,
): Promise<void> {
  const sides = new Map<string, Side>()
  const outcomes: string[] = []
  for (const { name, text } of ended) {
    const { outcome, exitCode, error, channels } = reportSchema.parse(JSON.parse(text))
    outcomes.push(outcome)
    for (const { alias, readBytes, writeBytes, etag } of channels) {
      if (alias === '/dev/stderr') continue
      sides.set(`${name} ${alias}`, { bytes: readBytes + writeBytes, etag })
    }
    if (!isEndless) assert.deepEqual([outcome, exitCode], ['exited', 0], `${name}: ${text}`)
    else if (outcome !== 'limited') {
      // Its peer was stopped first.
      assert.match(error?.code ?? outcome, /^channel-(read|write|close)-failed$/, text)
    }
  }
  if (isEndless) {
    assert.ok(outcomes.includes('limited'))
    checkPrefix(sides)
    return
  }
  checkWhole(sides)
  for (const { name } of topology.nodes) {
    if (readersOf(topology, name).length > 0) continue
    assert.ok(data.equals(await readFile(join(folder, `${name}.out`))), `bytes of ${name}`)
  }
}

// Jobs that ask for the memo, over real HTTP: what is the same job and what is not, what is kept
// and what never is, who waits for whom.
import assert from 'node:assert/strict'
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { getJob, postForm, submit, waitFor } from './async-calls.ts'
import { buildGuest } from './c-guest.ts'
import { partsOf } from './multipart.ts'
import { readGuest, type Server, startServer } from './server.ts'

type Bytes = Uint8Array<ArrayBuffer>
type Inputs = Readonly<Record<string, string | Bytes>>

let server: Server
let slow: Bytes
before(async () => {
  server = await startServer({ ZVM_TENANT_HEADER: 'x-tenant' })
  slow = await buildGuest('slow')
})
after(() => server.settle())

const into = { alias: '/dev/stdin', source: 'part:input' }
const cached = (more: object = {}) => ({ cache: 'read-write', channels: [into], ...more })

async function run(
  guest: string | Bytes,
  manifest: object,
  inputs: Inputs = {},
  { on = server, headers = {} }: { on?: Server; headers?: Record<string, string> } = {},
) {
  const answer = await postForm(on.url, guest, manifest, inputs, headers)
  if (answer.status !== 200) assert.fail(await answer.text())
  const parts = await partsOf(answer)
  const report = JSON.parse(parts.get('report') ?? '')
  return { header: answer.headers.get('zvm-cache'), parts, report, cache: report.cache }
}

/** What the metrics of the memo say, without zvm_memo_ and _total. */
async function counts(on = server): Promise<Record<string, number>> {
  const text = await (await fetch(`${on.url}/metrics`)).text()
  const lines = text.matchAll(/^zvm_memo_([a-z_]+?)(?:_total)? (\d+)$/gm)
  return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)]))
}

/** Of the calls in between. */
async function counted(during: () => Promise<unknown>, on = server) {
  const old = await counts(on)
  await during()
  const now = await counts(on)
  return Object.fromEntries(
    Object.entries(now).map(([name, value]) => [name, value - (old[name] ?? 0)]),
  )
}

describe('the same job', () => {
  it('is given its result: bytes, report, mark', async () => {
    const first = await run('relay', cached(), { input: 'same\n' })
    assert.deepEqual([first.header, first.cache], ['miss', 'miss'])
    const second = await run('relay', cached(), { input: 'same\n' })
    assert.deepEqual([second.header, second.cache], ['hit', 'hit'])
    assert.equal(second.parts.get('stdout'), 'same\n')
    assert.deepEqual([...second.parts.keys()], [...first.parts.keys()])
    assert.deepEqual({ ...second.report, cache: 'miss' }, first.report)
  })

  it('may call its parts and responses as it likes', async () => {
    const channels = [into, { alias: '/dev/stdout', sink: 'response:a', contentType: 'text/plain' }]
    const manifest = cached({ channels, timeoutMs: 4000, memoryBytes: 33_554_432 })
    await run('relay', manifest, { input: 'names' })
    const form = new FormData()
    const text = JSON.stringify({
      channels: [
        { source: 'part:other', alias: '/dev/stdin' },
        { contentType: 'text/csv', sink: 'response:b', alias: '/dev/stdout' },
      ],
      cache: 'read',
      memoryBytes: 33_554_432,
      program: 'part:code',
    })
    form.append('manifest', new Blob([text], { type: 'application/json' }))
    form.append('code', new Blob([new Uint8Array(await readGuest('relay'))]))
    form.append('other', new Blob(['names']))
    const answer = await fetch(`${server.url}/v1/jobs`, { method: 'POST', body: form })
    assert.equal(answer.headers.get('zvm-cache'), 'hit')
    const body = await answer.text()
    assert.match(body, /name="b"; filename="b"\r\nContent-Type: text\/csv\r\n\r\nnames\r\n/)
    assert.doesNotMatch(body, /name="a"/)
  })

  it('may come as tar, raw, or asynchronously', async () => {
    const manifest = cached({ channels: [into, { alias: '/dev/stderr', sink: 'null:' }] })
    const inputs = { input: 'forms' }
    await run('relay', manifest, inputs)
    const accept = { accept: 'application/octet-stream' }
    const raw = await postForm(server.url, 'relay', manifest, inputs, accept)
    assert.deepEqual([raw.headers.get('zvm-cache'), await raw.text()], ['hit', 'forms'])
    const tar = await postForm(server.url, 'relay', manifest, inputs, {
      accept: 'application/x-tar',
    })
    assert.equal(tar.headers.get('zvm-cache'), 'hit')
    assert.match(await tar.text(), /forms.*"cache":"hit"/s)
    const { id } = await submit(server.url, 'relay', manifest, inputs)
    const job = await waitFor(server.url, id, 'done')
    assert.match(JSON.stringify(job.report), /"cache":"hit"/)
    const [output] = job.outputs
    assert.equal(await (await fetch(`${server.url}${output?.url}`)).text(), 'forms')
  })

  it('is one whether its bytes are sent or stored', async () => {
    const put = await fetch(`${server.url}/v1/programs`, {
      method: 'PUT',
      body: new Uint8Array(await readGuest('relay')),
      headers: { 'content-type': 'application/octet-stream' },
    })
    const { program } = (await put.json()) as { program: string }
    await run('relay', cached(), { input: 'stored' })
    const form = new FormData()
    const manifest = JSON.stringify(cached({ program }))
    form.append('manifest', new Blob([manifest], { type: 'application/json' }))
    form.append('input', new Blob(['stored']))
    const post = () => fetch(`${server.url}/v1/jobs`, { method: 'POST', body: form })
    const hit = await post()
    assert.equal(hit.headers.get('zvm-cache'), 'hit')
    await hit.arrayBuffer()
    await rm(join(server.dataDir, 'programs', `${program.slice(7)}.nexe`))
    const gone = await post()
    assert.deepEqual([gone.status, gone.headers.get('zvm-cache')], [404, null])
    await gone.arrayBuffer()
  })

  it('with outputs written at random, large ones, and none', async () => {
    const text =
      'Version = 20130611\nProgram = part:program\nMemory = 33554432, 0\nTimeout = 5\n' +
      'Channel = response:out, /dev/stdout, 2, 1, 0, 0, 10, 100\n'
    const classic = new FormData()
    classic.append('manifest', new Blob([text], { type: 'text/plain' }))
    classic.append('program', new Blob([new Uint8Array(await readGuest('hello'))]))
    const plain = await fetch(`${server.url}/v1/jobs`, { method: 'POST', body: classic })
    assert.equal(plain.headers.get('zvm-cache'), null, 'the classic form has no such field')
    await plain.arrayBuffer()
    const sinks = [
      { channels: [{ alias: '/dev/stdout', sink: 'response:x', access: 'random' }] },
      { channels: ['out', 'err'].map((n) => ({ alias: `/dev/std${n}`, sink: 'null:' })) },
    ]
    for (const sink of sinks) {
      const first = await run('hello', { cache: 'read-write', ...sink })
      const second = await run('hello', { cache: 'read-write', ...sink })
      assert.deepEqual([first.cache, second.cache], ['miss', 'hit'])
      assert.equal(second.parts.get('x'), first.parts.get('x'))
    }
    const input = new Uint8Array(3_000_000).map((_, at) => at * 7)
    const first = await run('relay', cached(), { input })
    const second = await run('relay', cached(), { input })
    assert.deepEqual([first.cache, second.cache], ['miss', 'hit'])
    assert.ok(second.parts.get('stdout') === Buffer.from(input).toString('latin1'))
  })
})

describe('another job', () => {
  it('is one that its guest could tell apart', async () => {
    const input = 'apart'
    await run(slow, cached(), { input })
    const others = {
      input: [cached(), { input: 'apart!' }],
      args: [cached({ args: ['relay'] }), { input }],
      env: [cached({ env: { A: '1' } }), { input }],
      time: [cached({ time: 1 }), { input }],
      memory: [cached({ memoryBytes: 50_000_000 }), { input }],
      etag: [cached({ channels: [{ ...into, etag: true }] }), { input }],
      access: [cached({ channels: [{ ...into, access: 'random' }] }), { input }],
      limit: [cached({ channels: [{ ...into, limits: { reads: 9 } }] }), { input }],
      channel: [cached({ channels: [into, { alias: '/dev/x', source: 'null:' }] }), { input }],
    } as const
    for (const [what, [manifest, inputs]] of Object.entries(others)) {
      assert.equal((await run(slow, manifest, inputs)).cache, 'miss', what)
      assert.equal((await run(slow, manifest, inputs)).cache, 'hit', what)
    }
    assert.equal((await run('relay', cached(), { input })).cache, 'miss', 'program')
  })

  it('is one of another tenant', async () => {
    const of = (tenant: string) =>
      run('relay', cached(), { input: 'whose' }, { headers: { 'x-tenant': tenant } })
    assert.equal((await of('ann')).cache, 'miss')
    assert.equal((await of('bob')).cache, 'miss')
    assert.equal((await of('ann')).cache, 'hit')
    const shared = await startServer({ ZVM_TENANT_HEADER: 'x-tenant', ZVM_MEMO_SCOPE: 'shared' })
    try {
      const marks = ['ann', 'bob'].map(async (tenant) => {
        const headers = { 'x-tenant': tenant }
        return (await run('relay', cached(), { input: 'ours' }, { on: shared, headers })).cache
      })
      assert.deepEqual((await Promise.all(marks)).sort(), ['hit', 'miss'])
    } finally {
      await shared.settle()
    }
  })
})

describe('what is asked', () => {
  it('off and nothing: neither looked up nor kept nor told', async () => {
    const some = await counted(async () => {
      for (const manifest of [{ channels: [into] }, { channels: [into], cache: 'off' }]) {
        const { header, cache } = await run('relay', manifest, { input: 'off' })
        assert.deepEqual([header, cache], [null, undefined])
      }
    })
    assert.deepEqual([some.misses, some.stores], [0, 0])
  })

  it('read keeps nothing, write reads nothing', async () => {
    const mark = async (mode: string) => {
      return (await run('relay', cached({ cache: mode }), { input: 'modes' })).cache
    }
    assert.deepEqual([await mark('read'), await mark('read')], ['miss', 'miss'])
    assert.deepEqual([await mark('write'), await mark('read')], ['miss', 'hit'])
    assert.equal(await mark('write'), 'verified')
  })

  it('wrong ones are refused', async () => {
    for (const [pointer, manifest] of [
      ['/cache', { cache: 'yes' }],
      ['/verify', { cache: 'read', verify: 0 }],
      ['/verify', { verify: 2 }],
      ['/verify', { cache: 'write', verify: 2 }],
    ] as const) {
      const answer = await postForm(server.url, 'hello', manifest, {}, {})
      const problem = (await answer.json()) as { code: string; pointer: string }
      assert.deepEqual([answer.status, problem.code], [400, 'json-field'])
      assert.equal(problem.pointer, pointer)
    }
  })
})

describe('never kept', () => {
  it('limited and trapped ones', async () => {
    for (const [guest, outcome] of [
      ['spin', 'limited'],
      ['fork', undefined],
    ] as const) {
      const manifest = { cache: 'read-write', timeoutMs: 200 }
      const first = await run(guest, manifest)
      if (outcome !== undefined) assert.equal(first.report.outcome, outcome)
      const { cache } = await run(guest, manifest)
      assert.equal(cache, first.report.outcome === 'exited' ? 'hit' : 'miss')
    }
  })

  it('refused programs', async () => {
    for (let i = 0; i < 2; i++) {
      const answer = await postForm(server.url, new Uint8Array(1000), cached(), { input: '' }, {})
      assert.equal(answer.status, 422)
      assert.equal(answer.headers.get('zvm-cache'), null)
      await answer.arrayBuffer()
    }
  })

  it('exit codes are results', async () => {
    await run('exit_code', { cache: 'read-write' })
    const { cache, report } = await run('exit_code', { cache: 'read-write' })
    assert.equal(cache, 'hit')
    assert.notEqual(report.exitCode, 0)
  })

  it('what is above memoEntryBytesMax, and the oldest above the others', async () => {
    const on = await startServer({ ZVM_MEMO_ENTRIES_MAX: '2', ZVM_MEMO_ENTRY_BYTES_MAX: '100000' })
    try {
      const input = new Uint8Array(100_000)
      const mark = async (bytes: string | Bytes) => {
        const { cache } = await run('relay', cached(), { input: bytes }, { on })
        await idle(on)
        return cache
      }
      assert.deepEqual([await mark(input), await mark(input)], ['miss', 'miss'])
      const marks: string[] = []
      for (const one of ['a', 'b', 'a', 'c', 'a', 'b']) marks.push(await mark(one))
      assert.deepEqual(marks, ['miss', 'miss', 'hit', 'miss', 'hit', 'miss'])
      const { entries, evictions } = await counts(on)
      assert.deepEqual([entries, evictions], [2, 2])
      assert.equal((await readdir(join(on.dataDir, 'memo/files'))).length, 2)
    } finally {
      await on.settle()
    }
  })

  it('what there is no space for: the job is answered all the same', async () => {
    const on = await startServer()
    try {
      await rm(join(on.dataDir, 'memo/files'), { recursive: true })
      for (let i = 0; i < 2; i++) {
        const { cache, parts } = await run('relay', cached(), { input: 'full' }, { on })
        assert.deepEqual([cache, parts.get('stdout')], ['miss', 'full'])
        await idle(on)
      }
      assert.equal((await counts(on)).failures, 2)
    } finally {
      await on.settle()
    }
  })
})

describe('verify', () => {
  it('runs every n-th hit and compares', async () => {
    const marks: string[] = []
    const manifest = cached({ verify: 3 })
    const some = await counted(async () => {
      for (let i = 0; i < 7; i++) {
        const { cache, header, parts } = await run('relay', manifest, { input: 'verify' })
        assert.equal(header, cache === 'hit' ? 'hit' : 'miss')
        assert.equal(parts.get('stdout'), 'verify')
        marks.push(cache)
      }
    })
    assert.deepEqual(marks, ['miss', 'hit', 'hit', 'verified', 'hit', 'hit', 'verified'])
    assert.deepEqual([some.verified, some.mismatches], [2, 0])
  })

  /** A result whose file is changed from `from` to `to`. */
  async function withWrongResult(from: string, to: string, then: (mark: Marks) => Promise<void>) {
    const on = await startServer()
    try {
      const input = new Uint8Array(400_000).fill(120)
      await run('relay', cached(), { input }, { on })
      await idle(on)
      const folder = join(on.dataDir, 'memo/files')
      const [file = ''] = await readdir(folder)
      const bytes = await readFile(join(folder, file), 'latin1')
      assert.ok(bytes.includes(from))
      await writeFile(join(folder, file), bytes.replace(from, to), 'latin1')
      await then(async (verify) => {
        const { cache, parts } = await run('relay', cached({ verify }), { input }, { on })
        assert.equal(parts.get('stdout'), Buffer.from(input).toString('latin1'))
        return cache
      })
    } finally {
      await on.settle()
    }
  }
  type Marks = (verify: number) => Promise<string>

  it('a difference is told, the result goes, and none is kept again', async () => {
    await withWrongResult('"exitCode":0', '"exitCode":7', async (mark) => {
      assert.equal(await mark(2), 'hit')
      assert.equal(await mark(2), 'mismatch')
      assert.equal(await mark(1), 'bypass')
      assert.equal(await mark(1), 'bypass')
    })
  })

  it('a file that is no longer what it was is none', async () => {
    await withWrongResult('xxx', 'xyx', async (mark) => {
      assert.deepEqual([await mark(1), await mark(1)], ['miss', 'verified'])
    })
    const on = await startServer()
    try {
      const marks: string[] = []
      for (const isCut of [false, true, false]) {
        const input = new Uint8Array(400_000)
        marks.push((await run('relay', cached(), { input }, { on })).cache)
        await idle(on)
        const [file = ''] = await readdir(join(on.dataDir, 'memo/files'))
        if (isCut) await truncate(join(on.dataDir, 'memo/files', file), 400_000)
      }
      assert.deepEqual(marks, ['miss', 'hit', 'miss'])
    } finally {
      await on.settle()
    }
  })
})

describe('jobs at the same time', () => {
  const goal = (count: number) => cached({ args: ['slow', String(count)], timeoutMs: 20_000 })

  it('one runs, the others get what it has written', async () => {
    const some = await counted(async () => {
      const runs = Array.from({ length: 8 }, () => run(slow, goal(1e8), { input: 'eight ' }))
      const all = await Promise.all(runs)
      assert.deepEqual(
        [...new Set(all.map(({ parts }) => parts.get('stdout')))],
        ['eight counted to 100000000\n'],
      )
      assert.equal(all.filter(({ cache }) => cache === 'miss').length, 1)
    })
    assert.deepEqual([some.misses, some.joined, some.hits], [1, 7, 7])
  })

  it('asynchronous ones too, and they keep nobody waiting', async () => {
    const some = await counted(async () => {
      const jobs = await Promise.all(
        Array.from({ length: 5 }, () => submit(server.url, slow, goal(1e8 + 1), { input: '' })),
      )
      const other = await submit(server.url, 'hello')
      await waitFor(server.url, other.id, 'done')
      const states = await Promise.all(
        jobs.map(async ({ id }) => (await getJob(server.url, id)).state),
      )
      assert.ok(states.filter((state) => state === 'done').length < 5, states.join())
      for (const { id } of jobs) await waitFor(server.url, id, 'done')
    })
    assert.deepEqual([some.misses, some.hits], [1, 4])
  })

  it('when the one that runs is given up, another runs', async () => {
    const gone = new AbortController()
    const some = await counted(async () => {
      const form = async () => postForm(server.url, slow, goal(1e8 + 2), { input: '' }, {})
      const body = new FormData()
      const text = JSON.stringify({ program: 'part:program', ...goal(1e8 + 2) })
      body.append('manifest', new Blob([text], { type: 'application/json' }))
      body.append('program', new Blob([slow]))
      body.append('input', new Blob(['']))
      const first = fetch(`${server.url}/v1/jobs`, { method: 'POST', body, signal: gone.signal })
      first.catch(() => undefined)
      while (server.app.memo.flights === 0) await sleep(2)
      const followers = [form(), form(), form()]
      while ((await counts()).joined === 0) await sleep(2)
      gone.abort()
      for (const answer of await Promise.all(followers)) {
        assert.match(await answer.text(), /counted to 100000002/)
      }
    })
    assert.equal(some.misses, 2)
  })

  it('when nothing can be kept of it, all run', async () => {
    const manifest = { cache: 'read-write', timeoutMs: 300 }
    const all = await Promise.all(Array.from({ length: 3 }, () => run('spin', manifest)))
    assert.deepEqual(
      all.map(({ cache }) => cache),
      ['miss', 'miss', 'miss'],
    )
  })

  it('one that waits for longer than it may runs itself', async () => {
    const on = await startServer({ ZVM_QUEUE_WAIT_MS: '50' })
    try {
      const long = run('spin', { cache: 'read-write', timeoutMs: 1500 }, {}, { on })
      while (on.app.memo.flights === 0) await sleep(2)
      const startMs = performance.now()
      await run('spin', { cache: 'read-write', timeoutMs: 50 }, {}, { on })
      assert.ok(performance.now() - startMs < 1400, 'it did not wait for the other')
      await long
    } finally {
      await on.settle()
    }
  })
})

/** When nothing is being kept any more. */
async function idle({ app }: Server): Promise<void> {
  while (app.memo.flights > 0) await sleep(2)
}

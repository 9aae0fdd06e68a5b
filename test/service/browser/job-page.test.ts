// The page of a job in a real browser: boxes, arrows and states of real jobs are there, nothing
// that a user wrote becomes part of the page. Screenshots are left in native/build/screenshots.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { z } from 'zod'
import { nativeDir, readGuest, type Server, startServer } from '../api/server.ts'

const root = join(import.meta.dirname, '../../..')
const shots = join(nativeDir, 'screenshots')
const runFile = promisify(execFile)
const viewSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  links: z.object({ self: z.string(), graph: z.string() }),
})
const reason = await runFile(join(root, 'native/packages.sh'), ['browser']).then(
  () => undefined,
  (error: Error) => `no browser can be installed here: ${error.message.slice(0, 200)}`,
)
const options = { skip: reason ?? false, timeout: 120_000 }

let server: Server
let browser: Browser
before(async () => {
  if (reason !== undefined) return
  await mkdir(shots, { recursive: true })
  server = await startServer()
  // Chromium's own sandbox refuses to start as root; the page is ours.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--hide-scrollbars']
  browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', args })
})
after(async () => {
  if (reason !== undefined) return
  await browser.close()
  await server.settle()
})

type Json = Readonly<Record<string, unknown>>

/** Leaves a job with the service and waits for its end. */
async function runJob(manifest: Json, programs: Readonly<Record<string, Uint8Array>>) {
  const form = new FormData()
  form.append('manifest', new Blob([JSON.stringify(manifest)], { type: 'application/json' }))
  for (const [name, bytes] of Object.entries(programs)) {
    form.append(name, new Blob([new Uint8Array(bytes)]))
  }
  const init = { method: 'POST', body: form, headers: { prefer: 'respond-async' } }
  const accepted = await fetch(`${server.url}/v1/jobs`, init)
  if (accepted.status !== 202) assert.fail(await accepted.text())
  const { links } = viewSchema.parse(await accepted.json())
  await (await fetch(`${server.url}${links.self}/events`)).text()
  return viewSchema.parse(await (await fetch(server.url + links.self)).json())
}

/** The page, its errors and its requests. */
async function openPage(path: string) {
  const page = await browser.newPage()
  const [errors, asked]: [string[], string[]] = [[], []]
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('dialog', (dialog) => errors.push(dialog.message()))
  page.on('console', (message) => errors.push(message.text()))
  page.on('request', (request) => asked.push(request.url()))
  await page.setViewport({ width: 1280, height: 900 })
  await page.goto(server.url + path)
  return { page, errors, asked }
}

const countOf = (page: Page, selector: string) => page.$$eval(selector, (all) => all.length)
const textsOf = (page: Page, selector: string) =>
  page.$$eval(selector, (all) => all.map(({ textContent }) => textContent ?? ''))

async function putObject(path: string, body: string): Promise<void> {
  await fetch(`${server.url}/v1/objects/${path}`, { method: 'PUT', body })
}

test('a word count by 20 map and 5 reduce nodes', options, async () => {
  const nexe = join(nativeDir, 'examples/picture-wordcount.nexe')
  await mkdir(join(nativeDir, 'examples'), { recursive: true })
  const folder = join(root, 'examples/mapreduce')
  const sources = [join(folder, 'wordcount.c'), join(folder, 'mapreduce.c')]
  await runFile(join(nativeDir, 'zvm-cc'), ['-O2', ...sources, '-o', nexe])
  for (let at = 10; at < 30; at += 1) await putObject(`texts/${at}.txt`, `word `.repeat(at * 999))
  const manifest = JSON.parse(await readFile(join(folder, 'wordcount.json'), 'utf8'))
  const job = await runJob(manifest, { wordcount: await readFile(nexe) })
  assert.equal(job.state, 'done')
  const { page, errors, asked } = await openPage(job.links.graph)
  assert.equal(await countOf(page, '.box.well'), 25)
  assert.equal(await countOf(page, '.arrow'), 100)
  const names = await textsOf(page, '.box .name')
  assert.deepEqual([names[0], names[24]], ['map-1', 'red-5'])
  assert.match((await textsOf(page, 'svg')).join(), /380 links among themselves/)
  assert.equal(await countOf(page, '#nodes tbody tr'), 25)
  // Boxes do not lie on one another.
  const places = await page.$$eval('.box', (all) =>
    all.map((box) => {
      const { left, top, right, bottom } = box.getBoundingClientRect()
      return { left, top, right, bottom }
    }),
  )
  for (const [at, a] of places.entries()) {
    for (const b of places.slice(at + 1)) {
      const isApart =
        a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top
      assert.ok(isApart)
    }
  }
  assert.deepEqual(errors, [])
  assert.deepEqual(
    asked.filter((url) => !url.startsWith(server.url) && !/^data:/.test(url)),
    [],
  )
  await page.screenshot({ path: join(shots, 'job-wordcount.png'), fullPage: true })
})

test('a node that fails is told from those that were stopped', options, async () => {
  const nodes = [
    { name: 'first', program: 'part:spin', timeoutMs: 200, connect: ['others'] },
    { name: 'others', program: 'part:spin', count: 3, connect: ['last'] },
    { name: 'last', program: 'part:spin', connect: ['first'] },
  ]
  const job = await runJob({ nodes }, { spin: await readGuest('spin') })
  const { page } = await openPage(job.links.graph)
  assert.equal(await countOf(page, '.box.unwell'), 1)
  assert.equal(await countOf(page, '.box.stopped'), 4)
  assert.equal(await countOf(page, '.arrow.back'), 1)
  assert.match((await textsOf(page, '.box.unwell')).join(), /first.*limited: limit-wall-time/s)
  await page.screenshot({ path: join(shots, 'job-failed.png'), fullPage: true })
})

test('hostile names stay text, and the page may do nothing', options, async () => {
  const alias = `/dev/<script>alert(1)</script>"'><img src=x onerror=alert(2)>`
  const key = `"><svg onload=alert(3)>&lt;`
  const manifest = {
    nodes: [
      {
        name: 'a',
        program: 'part:relay',
        channels: [
          { alias, sink: 'null:' },
          { alias: '/dev/stdout', sink: `file:hostile/${key}` },
        ],
      },
    ],
  }
  const job = await runJob(manifest, { relay: await readGuest('relay') })
  const answer = await fetch(server.url + job.links.graph)
  const policy = answer.headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'/)
  assert.doesNotMatch(policy, /unsafe/)
  const { page, errors } = await openPage(job.links.graph)
  assert.deepEqual(errors, [])
  assert.equal(await countOf(page, 'script, img, svg svg, iframe, object'), 0)
  assert.ok((await textsOf(page, '.box title')).join().includes(alias))
  assert.ok((await textsOf(page, 'a')).includes(`hostile/${key}`))
  const href = await page.$eval('td a', (link) => link.href)
  assert.equal((await fetch(href)).status, 200)
})

// The embedded object store: names, limits, order, and that a commit is all or nothing.
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, readdirSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Digest } from '../../../service/job/digest.ts'
import type { StoreError } from '../../../service/store/errors.ts'
import { FsStore } from '../../../service/store/fs.ts'
import { findNameFault } from '../../../service/store/object.ts'

const limits = { objectBytesMax: 100, objectsMax: 5, storeBytesMax: 250 }
const plain = { contentType: 'text/plain', metadata: {} }
const page = { prefix: '', after: '', countMax: 100 }
let folder: string
let store: FsStore

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zvm-store-'))
  store = new FsStore(folder, limits)
})
afterEach(() => {
  store.close()
  rmSync(folder, { recursive: true })
})

async function put(key: string, text: string, options: object = {}): Promise<void> {
  const staging = store.stage()
  try {
    await staging.add({ bucket: 'b', key }, Readable.from([Buffer.from(text)]), {
      ...plain,
      ...options,
    })
    staging.commit()
  } finally {
    staging.discard()
  }
}

function keys(options: object = {}): string[] {
  return store.list('b', { ...page, ...options }).objects.map(({ key }) => key)
}

function filesOnDisk(): number {
  return readdirSync(join(folder, 'files')).length
}

describe('FsStore', () => {
  it('gives back bytes and facts', async () => {
    await put('a/b', 'hello', { metadata: { colour: 'red' } })
    const opened = store.tryOpen({ bucket: 'b', key: 'a/b' })
    assert.ok(opened)
    const bytes = Buffer.alloc(10)
    assert.equal(readSync(opened.fd, bytes, 0, 10, 0), 5)
    closeSync(opened.fd)
    assert.equal(bytes.toString('utf8', 0, 5), 'hello')
    assert.equal(opened.info.sizeBytes, 5)
    assert.deepEqual(opened.info.metadata, { colour: 'red' })
    assert.equal(
      opened.info.etag,
      'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
    )
  })

  it('lists in byte order, by prefix, page by page', async () => {
    for (const key of ['b', 'a/2', 'a/10', 'a', 'é']) await put(key, 'x')
    assert.deepEqual(keys(), ['a', 'a/10', 'a/2', 'b', 'é'])
    assert.deepEqual(keys({ prefix: 'a/' }), ['a/10', 'a/2'])
    assert.deepEqual(keys({ after: 'a/10', countMax: 2 }), ['a/2', 'b'])
    assert.equal(store.list('b', { ...page, countMax: 4 }).isLast, false)
    assert.equal(store.list('b', { ...page, countMax: 5 }).isLast, true)
    assert.deepEqual(store.buckets(), [{ bucket: 'b', objectCount: 5 }])
  })

  it('keeps an open object as it was', async () => {
    await put('k', 'old')
    const opened = store.tryOpen({ bucket: 'b', key: 'k' })
    assert.ok(opened)
    await put('k', 'new')
    const bytes = Buffer.alloc(3)
    readSync(opened.fd, bytes, 0, 3, 0)
    closeSync(opened.fd)
    assert.equal(bytes.toString(), 'old')
    assert.equal(filesOnDisk(), 1)
  })

  it('shows staged objects together, or none', async () => {
    const staging = store.stage()
    await staging.add({ bucket: 'b', key: '1' }, Readable.from([Buffer.from('1')]), plain)
    await staging.add({ bucket: 'b', key: '2' }, Readable.from([Buffer.from('2')]), {
      ...plain,
      expect: 'absent',
    })
    assert.deepEqual(keys(), [])
    await put('2', 'in between')
    assert.throws(() => staging.commit(), { code: 'precondition-failed' })
    assert.deepEqual(keys(), ['2'])
    assert.equal(filesOnDisk(), 1)
  })

  it('bounds an object, their number, and the whole', async () => {
    await assert.rejects(put('big', 'x'.repeat(101)), (error: StoreError) => {
      return error.code === 'object-too-large' && error.limit?.name === 'objectBytesMax'
    })
    await put('1', 'x'.repeat(100))
    await put('2', 'x'.repeat(100))
    await assert.rejects(put('3', 'x'.repeat(51)), { code: 'store-full' })
    await put('2', '')
    for (const key of ['3', '4', '5']) await put(key, '')
    await assert.rejects(put('6', ''), { code: 'store-full' })
    assert.equal(filesOnDisk(), 5)
  })

  it('counts what is being staged', async () => {
    const staging = store.stage()
    const bytes = () => Readable.from([Buffer.alloc(100)])
    await staging.add({ bucket: 'b', key: '1' }, bytes(), plain)
    await staging.add({ bucket: 'b', key: '2' }, bytes(), plain)
    await assert.rejects(put('3', 'x'.repeat(51)), { code: 'store-full' })
    staging.discard()
    await put('3', 'x'.repeat(51))
  })

  it('writes and removes only what the caller expects', async () => {
    await put('k', 'a', { expect: 'absent' })
    const wrong = `sha256:${'0'.repeat(64)}` as Digest
    await assert.rejects(put('k', 'b', { expect: 'absent' }), { code: 'precondition-failed' })
    await assert.rejects(put('k', 'b', { expect: wrong }), { code: 'precondition-failed' })
    const name = { bucket: 'b', key: 'k' }
    assert.throws(() => store.remove(name, wrong), { code: 'precondition-failed' })
    assert.equal(store.remove(name, store.tryInfo(name)?.etag), true)
    assert.equal(store.remove(name), false)
    assert.equal(filesOnDisk(), 0)
  })

  it('forgets a half-written object: broken upload, crash before the commit', async () => {
    const broken = new Readable({
      read() {
        this.push('some')
        this.destroy(new Error('gone'))
      },
    })
    const staging = store.stage()
    await assert.rejects(staging.add({ bucket: 'b', key: 'k' }, broken, plain))
    staging.discard()
    assert.equal(filesOnDisk(), 0)
    await put('k', 'whole')
    writeFileSync(join(folder, 'files', 'left-by-a-crash'), 'x')
    store.close()
    store = new FsStore(folder, limits)
    assert.equal(filesOnDisk(), 1)
    assert.deepEqual(keys(), ['k'])
  })

  it('refuses a second owner of the folder', () => {
    assert.throws(() => new FsStore(folder, limits))
  })
})

describe('findNameFault', () => {
  for (const [bucket, key, fault] of [
    ['ok', 'a/b c', undefined],
    ['', 'k', 'bucket-invalid'],
    ['Upper', 'k', 'bucket-invalid'],
    ['..', 'k', 'bucket-invalid'],
    ['b', '', 'key-invalid'],
    ['b', 'a\nb', 'key-invalid'],
    ['b', '\ud800', 'key-invalid'],
    ['b', 'a\u{10ffff}', 'key-invalid'],
    ['b', 'é'.repeat(513), 'key-invalid'],
  ] as const) {
    it(`${JSON.stringify(bucket)} / ${JSON.stringify(key).slice(0, 20)}`, () => {
      assert.equal(findNameFault({ bucket, key }), fault)
    })
  }
})

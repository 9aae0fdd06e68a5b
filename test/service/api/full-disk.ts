// A disk that is full, for tests: what the service writes fails with ENOSPC while `fillDisk` is in
// force. Must be imported before the service is, which takes `write` when it is loaded.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { promisify } from 'node:util'

let isFull = false
const realWrite = promisify(fs.write)

async function write(...args: Parameters<typeof realWrite>) {
  if (isFull) throw Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' })
  return realWrite(...args)
}

fs.write = Object.assign(fs.write.bind(fs), { [promisify.custom]: write }) as typeof fs.write
syncBuiltinESMExports()

export async function fillDisk<T>(during: () => Promise<T>): Promise<T> {
  isFull = true
  try {
    return await during()
  } finally {
    isFull = false
  }
}

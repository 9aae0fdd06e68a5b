// `zvm serve`: the service in this process. It only puts the usual reasons why it cannot start
// into words.
import { readConfig } from '../config.ts'
import { CliError, statusRefused } from './exit-status.ts'

/** SQLITE_BUSY: somebody else holds the store. */
const storeBusy = 5

export async function serve(): Promise<void> {
  try {
    await import('../main.ts')
  } catch (error) {
    if (!(error instanceof Error)) throw error
    if ('errcode' in error && error.errcode === storeBusy) {
      const detail = `another service uses ${readConfig(process.env).dataDir}; set ZVM_DATA_DIR`
      throw new CliError(statusRefused, 'data-dir-in-use', detail, {}, { cause: error })
    }
    if ('code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
      const detail = `${error.message}; run: npm ci`
      throw new CliError(statusRefused, 'packages-missing', detail, {}, { cause: error })
    }
    throw error
  }
}

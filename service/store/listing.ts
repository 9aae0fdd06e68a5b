// What a planner sees of a store: the keys that begin with a text.
import type { Listing } from '../job/instances.ts'
import type { ObjectStore } from './object.ts'

/** Keys that are read for all wildcards of one graph: reading them keeps everybody waiting. */
const keysMax = 100_000
const pageCountMax = 1_000

/** For one graph. */
export function listingOf(store: ObjectStore): Listing {
  let roomKeys = keysMax
  return (bucket, prefix) => {
    const keys: string[] = []
    for (let isLast = false; !isLast; ) {
      const after = keys.at(-1) ?? ''
      const page = store.list(bucket, { prefix, after, countMax: pageCountMax })
      roomKeys -= page.objects.length
      if (roomKeys < 0) return undefined
      for (const { key } of page.objects) keys.push(key)
      isLast = page.isLast
    }
    return keys
  }
}

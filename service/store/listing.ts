// What a planner sees of a store: the keys that begin with a text.
import type { Listing } from '../job/instances.ts'
import type { ObjectStore } from './object.ts'

/** More objects than any graph may have nodes: enough to tell that there are too many. */
const keysMax = 100_000
const pageCountMax = 1_000

export function listingOf(store: ObjectStore): Listing {
  return (bucket, prefix) => {
    const keys: string[] = []
    for (let isLast = false; !isLast && keys.length < keysMax; ) {
      const after = keys.at(-1) ?? ''
      const page = store.list(bucket, { prefix, after, countMax: pageCountMax })
      for (const { key } of page.objects) keys.push(key)
      isLast = page.isLast
    }
    return keys
  }
}

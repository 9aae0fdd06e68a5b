// What a store refuses. HTTP statuses are given to the codes in http/to-problem.ts.
export type StoreCode = 'object-too-large' | 'store-full' | 'precondition-failed'

export class StoreError extends Error {
  readonly code: StoreCode
  /** Name and value of the limit that was met. */
  readonly limit: { readonly name: string; readonly value: number } | undefined
  constructor(code: StoreCode, detail: string, limit?: { name: string; value: number }) {
    super(detail)
    this.name = 'StoreError'
    this.code = code
    this.limit = limit
  }
}

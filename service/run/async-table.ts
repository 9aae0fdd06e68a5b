// What is known of asynchronous jobs, in SQLite: the only truth about their states. Each change is
// one transaction together with its event. A job that was not over when the service ended is
// `interrupted` from the next opening on. Holds no bytes of jobs.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import type { AsyncEvent, AsyncJob, AsyncOutput, AsyncState } from '../job/async-state.ts'
import type { Digest } from '../job/digest.ts'
import type { Report } from '../job/report.ts'

const schemaVersion = 1
const schema = `
  CREATE TABLE job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL,
    state TEXT NOT NULL, program TEXT, created_ms INTEGER NOT NULL, started_ms INTEGER,
    ended_ms INTEGER, report TEXT, problem TEXT, outputs TEXT NOT NULL DEFAULT '[]'
  ) STRICT;
  CREATE INDEX job_ended ON job (ended_ms) WHERE ended_ms IS NOT NULL;
  CREATE TABLE event (
    job INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE, number INTEGER NOT NULL,
    state TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (job, number)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${schemaVersion};
`

export type AsyncPage = { readonly jobs: readonly AsyncJob[]; readonly isLast: boolean }
export type ListQuery = {
  readonly tenant: string
  readonly state: AsyncState | undefined
  /** Jobs older than the one of this number. */
  readonly before: number
  readonly countMax: number
}
/** What an end brings. */
export type AsyncEnd = {
  readonly report?: Report | undefined
  readonly problem?: Readonly<Record<string, unknown>> | undefined
  readonly outputs?: readonly AsyncOutput[]
}

export class AsyncTable {
  readonly #db: DatabaseSync
  readonly #statements: Readonly<Record<keyof typeof sql, StatementSync>>
  #count: number

  /** `folder` is private (0700). Times are given by the caller, so that tests can choose them. */
  constructor(folder: string, nowMs: number) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#db = openDatabase(join(folder, 'jobs.sqlite'))
    const entries = Object.entries(sql).map(([name, text]) => [name, this.#db.prepare(text)])
    this.#statements = Object.fromEntries(entries)
    for (const { id } of this.#statements.active.all()) this.#end(String(id), 'interrupted', nowMs)
    this.#count = Number(this.#statements.count.get()?.n)
  }

  /** Jobs in the table, ended ones included. */
  get count(): number {
    return this.#count
  }

  add(job: { id: string; tenant: string; program: Digest | undefined }, nowMs: number): void {
    const { id, tenant, program } = job
    this.#transact(() => {
      this.#statements.add.run(id, tenant, program ?? null, nowMs)
      this.#statements.addEvent.run('queued', nowMs, id)
    })
    this.#count += 1
  }

  setRunning(id: string, nowMs: number): void {
    this.#transact(() => {
      this.#statements.run.run(nowMs, id)
      this.#statements.addEvent.run('running', nowMs, id)
    })
  }

  /** With it the outputs are there for everybody. */
  setEnded(id: string, state: AsyncState, nowMs: number, end: AsyncEnd = {}): void {
    this.#transact(() => this.#end(id, state, nowMs, end))
  }

  tryGet(id: string): AsyncJob | undefined {
    const row = this.#statements.find.get(id)
    return row === undefined ? undefined : jobOf(row)
  }

  /** Newest first. */
  list({ tenant, state, before, countMax }: ListQuery): AsyncPage {
    const rows = this.#statements.page.all(tenant, before, state ?? '', state ?? '', countMax + 1)
    return { jobs: rows.slice(0, countMax).map(jobOf), isLast: rows.length <= countMax }
  }

  /** Events after the one of number `after`, in order. */
  events(id: string, after: number): AsyncEvent[] {
    return this.#statements.events.all(id, after).map((row) => ({
      number: Number(row.number),
      state: row.state as AsyncState,
      atMs: Number(row.at_ms),
    }))
  }

  /** Ids of at most 1000 jobs that ended before `limitMs`, the oldest first. */
  endedBefore(limitMs: number): string[] {
    return this.#statements.expired.all(limitMs).map(({ id }) => String(id))
  }

  remove(id: string): void {
    this.#count -= Number(this.#statements.remove.run(id).changes)
  }

  close(): void {
    this.#db.close()
  }

  #end(id: string, state: AsyncState, nowMs: number, end: AsyncEnd = {}): void {
    const { report, problem, outputs = [] } = end
    const [reportText, problemText] = [report, problem].map((value) =>
      value === undefined ? null : JSON.stringify(value),
    )
    this.#statements.end.run(
      state,
      nowMs,
      reportText ?? null,
      problemText ?? null,
      JSON.stringify(outputs),
      id,
    )
    this.#statements.addEvent.run(state, nowMs, id)
  }

  #transact(change: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      change()
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }
}

const sql = {
  add: "INSERT INTO job (id, tenant, state, program, created_ms) VALUES (?, ?, 'queued', ?, ?)",
  addEvent: `INSERT INTO event SELECT job.number, 1 + count(event.number), ?, ? FROM job
    LEFT JOIN event ON event.job = job.number WHERE job.id = ? GROUP BY job.number`,
  run: "UPDATE job SET state = 'running', started_ms = ? WHERE id = ?",
  end: `UPDATE job SET state = ?, ended_ms = ?, report = ?, problem = ?, outputs = ?
    WHERE id = ?`,
  find: 'SELECT * FROM job WHERE id = ?',
  page: `SELECT * FROM job WHERE tenant = ? AND number < ? AND (? = '' OR state = ?)
    ORDER BY number DESC LIMIT ?`,
  events: `SELECT event.number, event.state, at_ms FROM event JOIN job ON job.number = event.job
    WHERE id = ? AND event.number > ? ORDER BY event.number`,
  active: "SELECT id FROM job WHERE state IN ('queued', 'running')",
  expired: 'SELECT id FROM job WHERE ended_ms < ? ORDER BY ended_ms LIMIT 1000',
  remove: 'DELETE FROM job WHERE id = ?',
  count: 'SELECT count(*) AS n FROM job',
} as const

function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path)
  // NORMAL: whatever is committed survives the death of the process; a power failure may take the
  // last moments, and then the job is `interrupted` or unknown, never half there.
  db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;`)
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (version === 0) db.exec(schema)
  else if (version !== schemaVersion) throw new Error(`${path} has version ${version}`)
  return db
}

function jobOf(row: Record<string, SQLOutputValue>): AsyncJob {
  return {
    id: String(row.id),
    number: Number(row.number),
    tenant: String(row.tenant),
    state: row.state as AsyncState,
    program: row.program === null ? undefined : (row.program as Digest),
    createdMs: Number(row.created_ms),
    startedMs: row.started_ms === null ? undefined : Number(row.started_ms),
    endedMs: row.ended_ms === null ? undefined : Number(row.ended_ms),
    report: row.report === null ? undefined : JSON.parse(String(row.report)),
    problem: row.problem === null ? undefined : JSON.parse(String(row.problem)),
    outputs: JSON.parse(String(row.outputs)),
  }
}

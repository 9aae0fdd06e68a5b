// Calls of asynchronous jobs as a client makes them, for tests.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { readGuest } from './server.ts'

export type JobView = {
  readonly id: string
  readonly state: string
  readonly startedAt: string | null
  readonly report: { outcome: string; exitCode: number; reason: string | null } | null
  readonly problem: { code: string; status: number } | null
  readonly outputs: { name: string; sizeBytes: number; etag: string; url: string }[]
}

export async function postForm(
  url: string,
  guest: string | Uint8Array<ArrayBuffer>,
  manifest: object = {},
  inputs: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>> = {},
  headers: Readonly<Record<string, string>> = { prefer: 'respond-async' },
): Promise<Response> {
  const form = new FormData()
  const text = JSON.stringify({ program: 'part:program', ...manifest })
  form.append('manifest', new Blob([text], { type: 'application/json' }))
  const bytes = typeof guest === 'string' ? new Uint8Array(await readGuest(guest)) : guest
  form.append('program', new Blob([bytes]))
  for (const [name, input] of Object.entries(inputs)) form.append(name, new Blob([input]))
  return fetch(`${url}/v1/jobs`, { method: 'POST', body: form, headers })
}

/** The accepted job. */
export async function submit(...args: Parameters<typeof postForm>): Promise<JobView> {
  const answer = await postForm(...args)
  const body = await answer.text()
  assert.equal(answer.status, 202, body)
  const job = JSON.parse(body) as JobView
  assert.equal(answer.headers.get('location'), `/v1/jobs/${job.id}`)
  assert.equal(answer.headers.get('preference-applied'), 'respond-async')
  return job
}

export async function getJob(url: string, id: string): Promise<JobView> {
  return (await (await fetch(`${url}/v1/jobs/${id}`)).json()) as JobView
}

/** Polls until the job is in one of the states. */
export async function waitFor(url: string, id: string, ...states: string[]): Promise<JobView> {
  const until = Date.now() + 10_000
  for (;;) {
    const job = await getJob(url, id)
    if (states.includes(job.state)) return job
    assert.ok(Date.now() < until, `still ${job.state}`)
    await sleep(10)
  }
}

export type SseEvent = { readonly id: string; readonly state: string }

/** Events until the service ends the stream. */
export async function readEvents(url: string, id: string, after?: string): Promise<SseEvent[]> {
  const headers: Record<string, string> = after === undefined ? {} : { 'last-event-id': after }
  const answer = await fetch(`${url}/v1/jobs/${id}/events`, { headers })
  assert.equal(answer.headers.get('content-type'), 'text/event-stream')
  return parseEvents(await answer.text())
}

export function parseEvents(text: string): SseEvent[] {
  return [...text.matchAll(/^id: (.+)\nevent: state\ndata: (.+)\n$/gm)].map(([, id = '', data]) => {
    return { id, state: (JSON.parse(data ?? '') as { state: string }).state }
  })
}

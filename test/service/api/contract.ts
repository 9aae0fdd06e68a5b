// openapi.yaml as a judge of answers: whether operation, status, headers, media type and body are
// what the document says.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'yaml'
import { z } from 'zod'

const response = z.object({
  $ref: z.string().optional(),
  headers: z.record(z.string(), z.object({ required: z.boolean().optional() })).optional(),
  content: z.record(z.string(), z.object({ schema: z.unknown().optional() })).optional(),
})
const operation = z.object({ operationId: z.string(), responses: z.record(z.string(), response) })
const document = z.looseObject({
  openapi: z.string().startsWith('3.1'),
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.looseObject({ responses: z.record(z.string(), response) }),
})

export type Contract = {
  readonly version: string
  /** `METHOD /path: STATUS` of everything that the document promises. */
  readonly promises: readonly string[]
  /** Fails when the answer is not what the document says. */
  check(method: string, template: string, answer: Response): Promise<void>
}

export async function readContract(): Promise<Contract> {
  const file = join(import.meta.dirname, '../../../openapi.yaml')
  const raw: unknown = parse(await readFile(file, 'utf8'))
  const contract = document.parse(raw)
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(raw as object, 'contract')
  const promises = Object.entries(contract.paths).flatMap(([template, operations]) =>
    Object.entries(operations).flatMap(([method, { responses }]) =>
      Object.keys(responses).map((status) => `${method} ${template}: ${status}`),
    ),
  )
  return {
    version: contract.openapi,
    promises,
    check: async (method, template, answer) => {
      const status = String(answer.status)
      const pointer = ['paths', template, method, 'responses', status]
      const found = contract.paths[template]?.[method]?.responses[status]
      const bytes = Buffer.from(await answer.arrayBuffer())
      assert.ok(found, `${method} ${template}: ${status} is not in the document: ${bytes}`)
      const name = found.$ref?.split('/').at(-1)
      const promised = name === undefined ? found : contract.components.responses[name]
      const base = name === undefined ? pointer : ['components', 'responses', name]
      for (const [header, { required }] of Object.entries(promised?.headers ?? {})) {
        if (required === true) assert.ok(answer.headers.has(header), header)
      }
      const type = answer.headers.get('content-type')?.split(';', 1)[0] ?? ''
      const { content } = promised ?? {}
      if (content === undefined) {
        assert.equal(bytes.length, 0, 'no body is promised')
        return
      }
      const range = type in content ? type : '*/*'
      assert.ok(range in content, `${type} is not promised, but ${Object.keys(content)}`)
      if (content[range]?.schema === undefined) return
      const path = [...base, 'content', range, 'schema']
      const steps = path.map((step) => encodeURIComponent(step.replaceAll('/', '~1')))
      const validate = ajv.compile({ $ref: `contract#/${steps.join('/')}` })
      assert.ok(validate(JSON.parse(bytes.toString())), ajv.errorsText(validate.errors))
    },
  }
}

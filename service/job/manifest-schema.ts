// The JSON Schema of manifests, for editors and other clients: made from the very shapes that
// manifests are read with, so that it cannot say anything else. Pure.
import { z } from 'zod'
import { graphSchema } from './graph-json.ts'
import { manifestSchema } from './manifest-json.ts'

/**
 * Draft 2020-12. What it accepts may still be refused: rules between fields (one direction a
 * channel, names that are known) are not for a schema to say.
 */
export function makeManifestSchema(): Readonly<Record<string, unknown>> {
  const [one, many] = [manifestSchema, graphSchema].map((schema) => {
    const { $schema: _version, ...shape } = z.toJSONSchema(schema, { io: 'output' })
    return shape
  })
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: '/v1/manifest.schema.json',
    title: 'Manifest of a job',
    description: 'A job of one node, or of many when it has `nodes`.',
    type: 'object',
    if: { required: ['nodes'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: many,
    else: one,
  }
}

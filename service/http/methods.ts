// What a path that exists says to a method that it does not have: 405 with `Allow`, and OPTIONS
// the same list without complaint. Learns the routes as they are added, so it must come first.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from './problem.ts'

/** For the handler of what no route has. Throws Problem unless it is OPTIONS. */
export type AnswerUnrouted = (request: FastifyRequest, reply: FastifyReply) => FastifyReply

export function learnMethods(app: FastifyInstance): AnswerUnrouted {
  const routes = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = routes.get(url) ?? { pattern: patternOf(url), methods: new Set(['OPTIONS']) }
    routes.set(url, known)
    for (const name of [method].flat()) known.methods.add(name)
  })
  return (request, reply) => {
    const [path = ''] = request.url.split('?', 1)
    const matching = [...routes.values()].filter(({ pattern }) => pattern.test(path))
    const methods = [...new Set(matching.flatMap((route) => [...route.methods]))].sort()
    if (methods.length === 0) throw new Problem('not-found', 'see /openapi.json')
    reply.header('allow', methods.join(', '))
    if (request.method === 'OPTIONS') return reply.code(204).send()
    // A route may find nothing at a path, as the one of files below /docs.
    if (methods.includes(request.method)) throw new Problem('not-found', 'see /openapi.json')
    throw new Problem('method-not-allowed', `it has ${methods.join(', ')}`)
  }
}

/** Of a route's path: `:name` is a segment, `*` the rest. */
function patternOf(url: string): RegExp {
  const pieces = url.split('/').map((piece) => {
    if (piece.startsWith(':')) return '[^/]+'
    return piece === '*' ? '.*' : piece.replace(/[^\w-]/g, '\\$&')
  })
  return new RegExp(`^${pieces.join('/')}$`)
}

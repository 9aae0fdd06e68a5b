// Dockerfile and compose file, read by real parsers: no finding of the linter, every path and stage
// they name exists, nothing runs as root, what they say agrees with service/config.ts. The build
// itself: npm run test:image.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Copy, DockerfileParser } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { parse } from 'yaml'
import { z } from 'zod'
import { limitTable, readConfig, variableOf } from '../../service/config.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const dockerfile = DockerfileParser.parse(read('Dockerfile'))
const instructions = dockerfile.getInstructions()
const lastStage = dockerfile.getFROMs().at(-1)?.getRange()?.start.line ?? 0
const inLastStage = instructions.filter((it) => (it.getRange()?.start.line ?? 0) >= lastStage)
const argumentOf = (keyword: string) =>
  inLastStage.findLast((it) => it.getKeyword() === keyword)?.getArgumentsContent()

test('Dockerfile: the linter finds nothing', () => {
  assert.deepEqual(
    validate(read('Dockerfile')).map(({ message, range }) => `${range.start.line + 1}: ${message}`),
    [],
  )
})

test('Dockerfile: several stages, each COPY names what exists', () => {
  const stages = dockerfile.getFROMs().map((from) => from.getBuildStage())
  assert.deepEqual(stages, ['native', 'packages', 'service'])
  const ignored = read('.dockerignore').split('\n').filter(Boolean)
  for (const copy of dockerfile.getCOPYs() as Copy[]) {
    const from = copy.getFromFlag()?.getValue()
    const sources = copy.getArguments().slice(0, -1).map(String)
    if (from !== undefined && from !== null) assert.ok(stages.includes(from), `stage ${from}`)
    else {
      for (const source of sources) {
        assert.ok(existsSync(join(root, source)), `${source} is not there`)
        assert.ok(!ignored.includes(source), `${source} is ignored`)
      }
    }
  }
})

test('Dockerfile: not root, health check, one clean stop, port and folder as configured', () => {
  assert.match(argumentOf('USER') ?? '', /^[1-9]\d*:[1-9]\d*$/)
  assert.match(argumentOf('HEALTHCHECK') ?? '', /CMD \["node".*\/readyz/s)
  assert.equal(argumentOf('STOPSIGNAL'), 'SIGTERM')
  // The exec form, so that the signal reaches the service itself.
  const [program, main] = z
    .tuple([z.string(), z.string()])
    .parse(JSON.parse(argumentOf('ENTRYPOINT') ?? ''))
  assert.equal(program, 'node')
  assert.ok(existsSync(join(root, main)))
  const env = Object.fromEntries(
    (argumentOf('ENV') ?? '').split(/\s+/).map((pair) => pair.split('=')),
  )
  const config = readConfig(env)
  assert.equal(String(config.port), argumentOf('EXPOSE'))
  assert.equal(config.dataDir, argumentOf('VOLUME'))
})

const composeSchema = z.object({
  services: z.object({
    service: z.object({
      build: z.object({ context: z.string() }),
      ports: z.array(z.string()),
      environment: z.record(z.string(), z.string()),
      volumes: z.array(z.string()),
      read_only: z.literal(true),
      cap_drop: z.tuple([z.literal('ALL')]),
      security_opt: z.tuple([z.literal('no-new-privileges:true')]),
      stop_grace_period: z.string(),
      mem_limit: z.string(),
      pids_limit: z.int().positive(),
    }),
  }),
  volumes: z.record(z.string(), z.unknown()),
})

test('compose: no privileges, known variables, the port and the folder of the image', () => {
  const { services, volumes } = composeSchema.parse(parse(read('docker/compose.yaml')))
  const { service } = services
  assert.ok(existsSync(join(root, 'docker', service.build.context, 'Dockerfile')))
  for (const port of service.ports) assert.match(port, /^127\.0\.0\.1:\d+:8080$/)
  const config = readConfig(service.environment)
  const known = ['ZVM_LOG_LEVEL', ...Object.keys(limitTable).map(variableOf)]
  for (const name of Object.keys(service.environment)) assert.ok(known.includes(name), name)
  for (const volume of service.volumes) {
    const [name = '', folder] = volume.split(':')
    assert.ok(name in volumes)
    assert.equal(folder, argumentOf('VOLUME'))
  }
  assert.ok(Number.parseInt(service.stop_grace_period, 10) * 1000 > config.limits.drainMs)
})

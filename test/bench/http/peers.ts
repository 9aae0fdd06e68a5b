// What the service is measured beside: bare Fastify that says hello or echoes a body, bare Fastify
// with @fastify/multipart that echoes or discards parts. Like the service when it is measured
// beside them, they do not log. A process of its own; the first line of its output is its port.
import multipart from '@fastify/multipart'
import Fastify from 'fastify'

const app = Fastify({ bodyLimit: 2 ** 40 })
await app.register(multipart)
app.addContentTypeParser(
  'application/octet-stream',
  { parseAs: 'buffer' },
  (_request, body, done) => done(null, body),
)

app.get('/hello', async () => ({ hello: 'world' }))

app.post('/json', async (request) => request.body)

app.post('/echo', async (request, reply) =>
  reply.type('application/octet-stream').send(request.body),
)

app.post('/multipart', async (request, reply) => {
  const pieces: Buffer[] = []
  for await (const part of request.parts(everyPartIsAStream)) {
    if (part.type !== 'file') continue
    const head = `--B\r\nContent-Disposition: attachment; name="${part.fieldname}"\r\n\r\n`
    pieces.push(Buffer.from(head), ...(await Array.fromAsync<Buffer>(part.file)), crlf)
  }
  pieces.push(Buffer.from('--B--\r\n'))
  return reply.type('multipart/mixed; boundary=B').send(Buffer.concat(pieces))
})

// The same request, answered with as many bytes as are asked for.
app.post('/sized', async (request, reply) => {
  const pieces: Buffer[] = []
  for await (const part of request.parts(everyPartIsAStream)) {
    if (part.type === 'file') pieces.push(...(await Array.fromAsync<Buffer>(part.file)))
  }
  const { bytes } = request.query as { bytes: string }
  pieces.push(Buffer.alloc(Number(bytes)))
  return reply
    .type('multipart/mixed; boundary=B')
    .send(Buffer.concat(pieces).subarray(0, Number(bytes)))
})

app.post('/discard', async (request) => {
  let sizeBytes = 0
  for await (const part of request.parts(everyPartIsAStream)) {
    if (part.type !== 'file') continue
    for await (const chunk of part.file) sizeBytes += chunk.length
  }
  return { sizeBytes }
})

const everyPartIsAStream = { isPartAFile: () => true, limits: { fileSize: 2 ** 40 } }
const crlf = Buffer.from('\r\n')
await app.listen({ host: '127.0.0.1', port: 0 })
const address = app.server.address()
process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`)

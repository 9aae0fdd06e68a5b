// What is no HTTP request, or never becomes a whole one: answered with a problem where the parser
// allows an answer, then the connection is closed. Speaks to the socket itself, since there is no
// request for Fastify to answer.
import type { Socket } from 'node:net'
import { Problem, type ProblemCode, problemBody, problemType } from './problem.ts'

const byCode: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['upload-timeout', 'the header of the request did not come in time'],
  HPE_HEADER_OVERFLOW: ['header-too-large', 'the header of the request is above 16 KiB'],
}

export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const [code, detail] = byCode[error.code ?? ''] ?? ['request-invalid', 'this is not HTTP']
  const problem = new Problem(code, detail)
  const text = JSON.stringify(problemBody(problem))
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.code}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy())
}

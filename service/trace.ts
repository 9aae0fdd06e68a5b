// Spans of a job for OpenTelemetry. Off unless the configuration says otherwise, and then nothing
// of OpenTelemetry is even loaded. Where spans go is the business of the standard OTEL_* variables,
// which its exporter reads by itself.
import type { IncomingHttpHeaders } from 'node:http'

export type Attributes = Readonly<Record<string, string | number | boolean>>

/** One span. Must be ended, once or more often. */
export type Span = {
  readonly child: (name: string) => Span
  readonly set: (attributes: Attributes) => void
  readonly end: (error?: unknown) => void
}

export type Tracing = {
  /** A span whose parent is what `traceparent` says, if anything (W3C trace context). */
  readonly start: (name: string, headers: IncomingHttpHeaders) => Span
  /** Sends what waits. */
  readonly close: () => Promise<void>
}

const noSpan: Span = { child: () => noSpan, set: () => undefined, end: () => undefined }
export const noTracing: Tracing = { start: () => noSpan, close: async () => undefined }

export const traceExporters = ['off', 'otlp'] as const
export type TraceExporter = (typeof traceExporters)[number]

export async function openTracing(exporter: TraceExporter): Promise<Tracing> {
  if (exporter === 'off') return noTracing
  const [api, sdk, otlp, { detectResources, envDetector, resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ])
  const processor = new sdk.BatchSpanProcessor({ exporter: new otlp.OTLPTraceExporter() })
  const told = detectResources({ detectors: [envDetector] })
  const resource = resourceFromAttributes({ 'service.name': 'zvm' }).merge(told)
  const provider = new sdk.TracerProvider({ spanProcessors: [processor], resource })
  const tracer = provider.getTracer('zvm')
  const open = (name: string, parent: ReturnType<typeof api.trace.setSpan>): Span => {
    const span = tracer.startSpan(name, {}, parent)
    const context = api.trace.setSpan(parent, span)
    return {
      child: (childName) => open(childName, context),
      set: (attributes) => span.setAttributes(attributes),
      end: (error) => {
        if (!span.isRecording()) return
        if (error !== undefined) {
          span.setStatus({ code: api.SpanStatusCode.ERROR, message: codeOf(error) })
        }
        span.end()
      },
    }
  }
  return {
    start: (name, headers) => {
      const parent = parentOf(headers.traceparent)
      const root = api.ROOT_CONTEXT
      return open(name, parent === undefined ? root : api.trace.setSpanContext(root, parent))
    },
    close: () => provider.shutdown(),
  }
}

/** https://www.w3.org/TR/trace-context/ §3.2. Undefined when there is none or it is malformed. */
function parentOf(traceparent: unknown) {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(String(traceparent))
  const [, traceId = '', spanId = '', flags = ''] = match ?? []
  if (match === null || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
}

/** Never a message: it may hold what clients sent. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'error'
}

// Starts the service and drains it on SIGTERM. No logic.
import closeWithGrace from 'close-with-grace'
import { buildApp } from './app.ts'
import { readConfig } from './config.ts'

const config = readConfig(process.env)
const app = await buildApp(config)
closeWithGrace({ delay: config.limits.drainMs, logger: app.http.log }, async () => {
  app.scheduler.drain()
  app.asyncJobs.drain()
  await app.asyncJobs.idle()
  await app.http.close()
})
await app.http.listen({ host: config.host, port: config.port })

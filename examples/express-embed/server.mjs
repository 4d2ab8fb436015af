import { fileURLToPath } from 'node:url'
import { createPlatform } from '@cordon/core'
import { createApp } from './app.mjs'

const platform = await createPlatform({ dataDir: process.env.DATA_DIR ?? '.cordon' })
await platform.deploy({ name: 'greet', path: fileURLToPath(new URL('greet.ts', import.meta.url)) })

const server = createApp(platform).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Listening. Try: curl http://127.0.0.1:${server.address().port}/cordon/fn/greet?name=Ada`)
})

function stop() {
  server.close()
  server.closeAllConnections()
  void platform.close()
}
process.once('SIGINT', stop).once('SIGTERM', stop)

import { expressAdapter } from '@cordon/adapters/express'
import express from 'express'

/** An application that has its own routes and runs functions beside them. */
export function createApp(platform) {
  const app = express()
  app.use(express.json())
  app.get('/', (request, response) => response.send('This is the host application. Functions answer at /cordon/fn/<name>.'))
  // Deploying is for the owner: put your own check of who is signed in here.
  app.use('/cordon/api', (request, response, next) => (request.get('x-role') === 'owner' ? next() : response.sendStatus(403)))
  app.use('/cordon', expressAdapter(platform))
  return app
}

import { Hono } from 'hono'
import { streamText } from 'hono/streaming'

const app = new Hono()

app.get('/', (c) => c.text('Try /hello/Ada or /count/5'))
app.get('/hello/:name', (c) => c.json({ greeting: `Hello ${c.req.param('name')}` }))

/** Counts down, one line at a time: the client sees each line when it is written. */
app.get('/count/:from', (c) =>
  streamText(c, async (stream) => {
    for (let left = Math.min(Number(c.req.param('from')), 20); left > 0; left -= 1) {
      await stream.writeln(String(left))
      await stream.sleep(100)
    }
    await stream.writeln('lift-off')
  }),
)

app.post('/upper', async (c) => c.text((await c.req.text()).toUpperCase()))

/** @function */
export default app

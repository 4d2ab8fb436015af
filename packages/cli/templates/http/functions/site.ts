/**
 * Answers requests of any method and path below its name.
 *
 * @function
 */
export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (request.method === 'GET' && pathname === '/') return new Response('Try /hello/Ada\n')
    const [, name] = /^\/hello\/([^/]+)$/.exec(pathname) ?? []
    if (name !== undefined) return Response.json({ greeting: `Hello ${decodeURIComponent(name)}` })
    if (request.method === 'POST' && pathname === '/upper') return new Response((await request.text()).toUpperCase())
    return Response.json({ error: `There is nothing at ${pathname}` }, { status: 404 })
  },
}

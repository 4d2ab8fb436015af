// A server of a process of its own: 1 KB at /, as many bytes as the path says elsewhere, and what was sent to it counted for POST.
import { createServer } from 'node:http'

const small = Buffer.alloc(1024, 'x')
const piece = Buffer.alloc(65_536, 'x')

const server = createServer((request, response) => {
  if (request.method === 'POST') return void count(request, response)
  if (request.url === '/') return void response.end(small)
  let left = Number(request.url?.slice(1))
  response.writeHead(200, { 'content-length': left })
  const more = () => {
    while (left > 0) {
      const part = left < piece.length ? piece.subarray(0, left) : piece
      left -= part.length
      if (!response.write(part)) return void response.once('drain', more)
    }
    response.end()
  }
  more()
})
server.listen(0, '127.0.0.1', () => process.send?.(server.address().port))

async function count(request, response) {
  let bytes = 0
  for await (const chunk of request) bytes += chunk.length
  response.end(String(bytes))
}

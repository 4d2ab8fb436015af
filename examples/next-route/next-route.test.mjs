import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'

/** What Next.js does with a route: it loads the module and calls what is exported under the name of the method. */
const calls = `
const route = await import(process.argv[1])
const source = '/** @function */ export default (input: { name: string }) => ({ hello: input.name })'
const deploy = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'hello', source }) }
const deployed = await route.POST(new Request('http://app/cordon/api/functions/deploy', deploy))
const called = await route.GET(new Request('http://app/cordon/fn/hello?name=Ada'))
console.log(JSON.stringify([deployed.status, called.status, await called.json()]))
process.exit()
`

describe('the route of Next.js', () => {
  it('deploys and calls a function', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'cordon-next-'))
    await chmod(dataDir, 0o711)
    const route = new URL('app/cordon/[...path]/route.mjs', import.meta.url).href
    const options = { env: { ...process.env, DATA_DIR: dataDir } }
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', calls, route], options)
    expect(JSON.parse(stdout)).to.deep.equal([201, 200, { hello: 'Ada' }])
    await rm(dataDir, { recursive: true, force: true })
  })
})

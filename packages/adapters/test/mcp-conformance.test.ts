import { execFile } from 'node:child_process'
import { readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { serve, type RunningServer } from '@cordon/adapters/node'
import { expect } from 'chai'
import { openPlatform, type OpenPlatform } from './support/open-platform.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

/** The public runner, as a program: it has nothing to import. */
const runner = createRequire(import.meta.url)
  .resolve('@modelcontextprotocol/conformance/package.json')
  .replace(/package\.json$/, 'dist/index.js')

/**
 * The scenarios that a server of plain functions can meet. The others need what Cordon does not offer: resources, prompts, completion,
 * log levels and subscriptions; results that are images, sound or embedded resources; messages and questions to the client while a call
 * runs (logging, progress, sampling, elicitation); sessions and streams that are opened again.
 */
const scenarios = [
  'server-initialize',
  'ping',
  'tools-list',
  'tools-call-simple-text',
  'tools-call-error',
  'json-schema-2020-12',
  'dns-rebinding-protection',
]

/** The functions that the scenarios call by name. */
const functions = {
  test_simple_text:
    '/** Says something.\n * @function */\nexport default async function text(): Promise<string> { return "This is a simple text response for testing." }',
  test_error_handling:
    '/** Fails.\n * @function */\nexport default async function fails(): Promise<string> { throw new Error("This tool intentionally returns an error for testing") }',
  json_schema_2020_12_tool: `
    export const config = {
      input: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        $defs: { address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
        properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
        additionalProperties: false,
      },
    }
    /** Has a schema.
     * @function */
    export default async function schema(input: unknown) { return input }`,
}

describe('the public MCP conformance runner', () => {
  let opened: OpenPlatform
  let server: RunningServer
  let folder: string

  before(async () => {
    folder = await temporaryFolder('cordon-conformance-')
    opened = await openPlatform([])
    for (const [name, source] of Object.entries(functions)) await opened.platform.deploy({ name, source })
    server = await serve(opened.platform, { port: 0 })
  })
  after(async () => {
    await server.close()
    await opened.close()
    await rm(folder, { recursive: true, force: true })
  })

  for (const scenario of scenarios) {
    it(`passes ${scenario}`, async () => {
      const output = await run(['server', '--url', `${server.url}/mcp`, '--scenario', scenario, '--output-dir', folder])
      const [made] = (await readdir(folder, { recursive: true })).filter((path) => path.includes(scenario) && path.endsWith('checks.json'))
      expect(made, output).to.be.a('string')
      const checks = JSON.parse(await readFile(join(folder, made ?? ''), 'utf8')) as { status: string; errorMessage?: string }[]
      expect(checks.length).to.be.at.least(1)
      expect(checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')).to.deep.equal([])
    })
  }

  function run(args: readonly string[]): Promise<string> {
    return new Promise((resolve) => {
      execFile(process.execPath, [runner, ...args], (error, stdout, stderr) => resolve(`${error?.message ?? ''}\n${stdout}\n${stderr}`))
    })
  }
})

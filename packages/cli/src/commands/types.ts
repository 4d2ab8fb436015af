import { readFile, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isRecord, type Access, type Manifest } from '@cordon/contracts'
import type { Client } from '../client/client.ts'
import { usageFailure, type ExitCode } from '../exit-code.ts'
import { makeFolder } from '../make-folder.ts'
import { writeDeclarations, type DescribedFunction } from '../types/declarations.ts'
import { exchange, functionPath, itemsOf, withClient, type Answer, type CommandContext } from './command.ts'

/** Options of `cordon types`. */
export interface TypesOptions {
  /** Path of the files without their endings; the declarations are printed when there is none. */
  readonly out?: string | undefined
}

/** Questions asked of the platform at the same time. */
const maxAtOnce = 8

/** `cordon types`: the types of a tenant's functions and a client that has them. */
export async function types(context: CommandContext, { out }: TypesOptions): Promise<ExitCode> {
  if (out !== undefined && /\.(d\.ts|[cm]?[jt]s)$/.test(out))
    throw usageFailure(`Cannot use --out "${out}": expected a path without an ending, such as src/functions`)
  return withClient(context, async (client) => {
    let items: readonly Answer[] = []
    const quiet = { ...context, options: { ...context.options, json: false } }
    const exitCode = await exchange(quiet, { client, path: '/api/functions' }, (answer) => (items = itemsOf(answer)))
    if (exitCode !== 0) return exitCode
    const functions = await readAll(
      client,
      items.map(({ name }) => String(name)),
    )
    const text = writeDeclarations(functions)
    if (out === undefined) context.terminal.print(text.trimEnd())
    else {
      await writeClient(resolve(out), text)
      context.terminal.note(`${out}.d.ts and ${out}.js: ${functions.length} function${functions.length === 1 ? '' : 's'}`)
    }
    return 0
  })
}

async function readAll(client: Client, names: readonly string[]): Promise<DescribedFunction[]> {
  const found: DescribedFunction[] = []
  for (let start = 0; start < names.length; start += maxAtOnce) {
    const answers = await Promise.all(
      names.slice(start, start + maxAtOnce).map(async (name) => {
        const response = await client.request(functionPath(name))
        const body: unknown = await response.json()
        // One that was removed meanwhile is no longer there.
        return response.ok ? describe(name, body) : undefined
      }),
    )
    found.push(...answers.filter((one) => one !== undefined))
  }
  return found
}

function describe(name: string, body: unknown): DescribedFunction | undefined {
  if (!isRecord(body) || !isRecord(body['manifest']) || !isRecord(body['manifest']['config'])) return undefined
  const { manifest, schemas } = body
  const access = readAccess(body['manifest']['config']['access'])
  return { name, handler: readHandler(manifest), access, schemas: isRecord(schemas) ? schemas : {} }
}

function readHandler(manifest: unknown): Manifest['handler'] {
  const handler = isRecord(manifest) ? manifest['handler'] : undefined
  return handler === 'json' || handler === 'http' ? handler : 'unknown'
}

function readAccess(access: unknown): Access {
  return access === 'internal' || access === 'authenticated' ? access : 'public'
}

async function writeClient(path: string, declarations: string): Promise<void> {
  await makeFolder(dirname(path))
  const code = await readFile(new URL('../types/client.js', import.meta.url), 'utf8')
  await writeFile(`${path}.d.ts`, declarations)
  await writeFile(`${path}.js`, code.replace(/^\/\/# sourceMappingURL=.*\n?/m, ''))
}

import { invalidOption, isRecord, PlatformError, type Capability, type Deployment, type FunctionConfig } from '@cordon/contracts'
import { parseJson, readBytes } from './body.ts'

const jsonKeys = ['name', 'source', 'files', 'entry', 'config', 'label', 'approved']
const formKeys = ['name', 'archive', 'entry', 'config', 'label', 'approved']

/**
 * Reads the body of a deploy request: multipart with `name` and `archive`, or JSON with `name` and `source` or `files`
 * (text by path; `{ "base64": "…" }` for bytes). `entry`, `config`, `label` and `approved` fit both;
 * a form has the last two objects as JSON text.
 *
 * @throws PlatformError INVALID_OPTION, INVALID_INPUT, PAYLOAD_TOO_LARGE
 */
export async function readDeployment(request: Request, maxBytes: number): Promise<Deployment> {
  const bytes = await readBytes(request, maxBytes)
  const contentType = request.headers.get('content-type') ?? ''
  return /^multipart\/form-data\b/i.test(contentType) ? fromForm(bytes, contentType) : fromJson(parseJson(bytes))
}

async function fromForm(bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<Deployment> {
  const form = await parseForm(bytes, contentType)
  for (const key of form.keys()) if (!formKeys.includes(key)) throw unknownKey(key, formKeys)
  const archive = form.get('archive')
  if (archive === null || typeof archive === 'string') throw invalidOption('archive', 'a file, a .tar.gz or .zip', archive ?? undefined)
  return {
    ...common({
      name: form.get('name') ?? undefined,
      entry: form.get('entry') ?? undefined,
      label: form.get('label') ?? undefined,
      config: jsonField(form, 'config'),
      approved: jsonField(form, 'approved'),
    }),
    archive: new Uint8Array(await archive.arrayBuffer()),
  }
}

function jsonField(form: FormData, key: string): unknown {
  const text = optionalText(form.get(key) ?? undefined, key)
  return text === undefined ? undefined : parseJson(new TextEncoder().encode(text))
}

async function parseForm(bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<FormData> {
  try {
    return await new Response(bytes, { headers: { 'content-type': contentType } }).formData()
  } catch (error) {
    throw new PlatformError('INVALID_INPUT', 'Cannot read the request body: it is not valid multipart/form-data', { cause: error })
  }
}

function fromJson(body: unknown): Deployment {
  if (!isRecord(body))
    throw new PlatformError('INVALID_INPUT', 'Cannot read the deployment: expected a JSON object { name, source } or multipart with name and archive')
  for (const key of Object.keys(body)) if (!jsonKeys.includes(key)) throw unknownKey(key, jsonKeys)
  const { source, files } = body
  if (source !== undefined && files !== undefined) throw invalidOption('files', 'either source or files, not both', 'both')
  if (source !== undefined) {
    if (typeof source !== 'string') throw invalidOption('source', 'a string', source)
    return { ...common(body), source }
  }
  return { ...common(body), files: readFiles(files) }
}

function readFiles(files: unknown): Record<string, string | Uint8Array> {
  if (!isRecord(files)) throw invalidOption('files', 'an object from path to content (or source, a string)', files)
  const entries = Object.entries(files).map(([path, content]): [string, string | Uint8Array] => {
    if (typeof content === 'string') return [path, content]
    if (isRecord(content) && typeof content['base64'] === 'string') return [path, Buffer.from(content['base64'], 'base64')]
    throw invalidOption(`files.${path}`, 'a string or { base64 }', content)
  })
  // fromEntries defines properties, so a file called __proto__ stays an entry.
  return Object.fromEntries(entries)
}

function common(body: Readonly<Record<string, unknown>>): {
  name: string
  entry: string | undefined
  label: string | undefined
  config: FunctionConfig | undefined
  approved: readonly Capability[] | undefined
} {
  const name = optionalText(body['name'], 'name')
  if (name === undefined) throw invalidOption('name', 'the name of the function', undefined)
  const { config } = body
  if (config !== undefined && !isRecord(config)) throw invalidOption('config', 'an object', config)
  const { approved } = body
  // What is in the list is checked by the platform.
  if (approved !== undefined && !isList(approved)) throw invalidOption('approved', 'a list of { kind, name }', approved)
  return { name, entry: optionalText(body['entry'], 'entry'), label: optionalText(body['label'], 'label'), config, approved }
}

function isList(value: unknown): value is readonly Capability[] {
  return Array.isArray(value)
}

function optionalText(value: unknown, key: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw invalidOption(key, 'a string', value)
}

function unknownKey(key: string, known: readonly string[]): PlatformError {
  return invalidOption(key, `one of ${known.join(', ')}`, 'an unknown name')
}

import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { collect, isArchive } from '@cordon/core/upload'

/** A deploy request, ready to send. */
export interface DeployRequest {
  readonly init: RequestInit
  /** Absolute paths of the user's own files in it; empty for an archive. */
  readonly sources: ReadonlySet<string>
}

/** Options of a deployment. */
export interface DeployOptions {
  readonly name: string
  readonly entry?: string | undefined
  readonly label?: string | undefined
}

/** Makes the deploy request of a file, a folder or an archive. @throws PlatformError INVALID_OPTION */
export async function createDeployRequest(path: string, options: DeployOptions): Promise<DeployRequest> {
  if (isArchive(path)) return { init: { method: 'POST', body: await archiveForm(path, options) }, sources: new Set() }
  const { files, entry, sources } = await collect(path)
  const body = { ...options, entry: options.entry ?? entry, files: Object.fromEntries([...files].map(([name, bytes]) => [name, contentOf(bytes)])) }
  return { init: { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }, sources }
}

async function archiveForm(path: string, options: DeployOptions): Promise<FormData> {
  const form = new FormData()
  form.set('name', options.name)
  if (options.entry !== undefined) form.set('entry', options.entry)
  if (options.label !== undefined) form.set('label', options.label)
  form.set('archive', new Blob([new Uint8Array(await readFile(path))]), basename(path))
  return form
}

/** Text stays readable; what is not UTF-8 goes as base64. */
function contentOf(bytes: Uint8Array): string | { base64: string } {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') }
  }
}

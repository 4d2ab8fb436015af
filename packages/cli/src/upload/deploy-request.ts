import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { collect, isArchive } from '@cordon/core/upload'
import { usageFailure } from '../exit-code.ts'

/** A deploy request, ready to send: as often as wanted, always the same files. */
export interface DeployRequest {
  /** `approved`: what may be granted beyond what the live version may use; all of it when it is left out. */
  init(approved?: readonly unknown[]): RequestInit
  /** Absolute paths of the user's own files in it; empty for an archive. */
  readonly sources: ReadonlySet<string>
  /** How much is sent, in bytes. */
  readonly bytes: number
}

/** Options of a deployment. */
export interface DeployOptions {
  readonly name: string
  readonly entry?: string | undefined
  readonly label?: string | undefined
}

/** Makes the deploy request of a file, a folder or an archive. @throws PlatformError INVALID_OPTION, CommandFailure */
export async function createDeployRequest(path: string, { name, entry, label }: DeployOptions): Promise<DeployRequest> {
  if (isArchive(path)) return archiveRequest(path, { name, entry, label })
  const { files, entry: found, sources } = await collect(path)
  const contents = Object.fromEntries([...files].map(([file, bytes]) => [file, contentOf(bytes)]))
  const body = { name, label, entry: entry ?? found, files: contents }
  return {
    init: (approved) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...body, approved }) }),
    sources,
    bytes: [...files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0),
  }
}

async function archiveRequest(path: string, { name, entry, label }: DeployOptions): Promise<DeployRequest> {
  const bytes = new Uint8Array(await readArchive(path))
  return {
    init(approved) {
      const form = new FormData()
      form.set('name', name)
      if (entry !== undefined) form.set('entry', entry)
      if (label !== undefined) form.set('label', label)
      if (approved !== undefined) form.set('approved', JSON.stringify(approved))
      form.set('archive', new Blob([bytes]), basename(path))
      return { method: 'POST', body: form }
    },
    sources: new Set(),
    bytes: bytes.byteLength,
  }
}

async function readArchive(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch {
    throw usageFailure(`Cannot read "${path}": there is no such readable file`)
  }
}

/** Text stays readable; what is not UTF-8 goes as base64. */
function contentOf(bytes: Uint8Array): string | { base64: string } {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') }
  }
}

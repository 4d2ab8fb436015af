import { execFile } from 'node:child_process'
import { access, mkdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createPlatform } from '@cordon/core'
import { createTestDirectory, platformBuild } from '@cordon/core/testing'
import { removeUnused } from './remove-unused.ts'

const run = promisify(execFile)

/** Making one takes about two seconds, on a busy machine ten times that. In milliseconds. */
const abandonedMs = 120_000

/**
 * A database as a platform has it after its first start, shut down: copying it takes a tenth of the time of `initdb` and the first migrations.
 * Made when there is none; `undefined` when that fails, which whoever starts a platform then says better.
 */
export async function clusterTemplate(cache: string): Promise<string | undefined> {
  const template = join(cache, `cluster-${platformBuild()}`)
  try {
    await access(join(template, 'PG_VERSION'))
    return template
  } catch {
    return makeTemplate(template).catch(() => undefined)
  }
}

/** Removes one that does not work. */
export async function removeTemplate(template: string): Promise<void> {
  await rm(template, { recursive: true, force: true })
}

/** One process makes it; whoever comes meanwhile does without. */
async function makeTemplate(template: string): Promise<string | undefined> {
  const draft = `${template}.new`
  if (!(await isFirst(draft))) return undefined
  const directory = await createTestDirectory()
  try {
    const dataDir = join(directory, 'data')
    const platform = await createPlatform({ dataDir, hardening: 'best-effort', scheduling: { spares: 0 } })
    await platform.close()
    await run('cp', ['-Rp', await realpath(join(dataDir, 'postgres')), join(draft, 'cluster')])
    await rename(join(draft, 'cluster'), template)
    await removeUnused(dirname(template), (name) => name.startsWith('cluster-') && name !== basename(template)).catch(() => undefined)
    return template
  } finally {
    await rm(draft, { recursive: true, force: true })
    await rm(directory, { recursive: true, force: true })
  }
}

/** Takes the place of the draft, unless somebody has it; that of a process that was killed is free for the next. */
async function isFirst(draft: string): Promise<boolean> {
  try {
    await mkdir(draft, { mode: 0o700 })
    return true
  } catch {
    const { mtimeMs } = await stat(draft)
    if (Date.now() - mtimeMs > abandonedMs) await rm(draft, { recursive: true, force: true })
    return false
  }
}

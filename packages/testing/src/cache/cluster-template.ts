import { execFile } from 'node:child_process'
import { access, realpath, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createPlatform } from '@cordon/core'
import { createTestDirectory, platformBuild } from '@cordon/core/testing'

const run = promisify(execFile)

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

async function makeTemplate(template: string): Promise<string> {
  const directory = await createTestDirectory()
  const fresh = `${template}.new-${process.pid}`
  try {
    const dataDir = join(directory, 'data')
    const platform = await createPlatform({ dataDir, hardening: 'best-effort', scheduling: { spares: 0 } })
    await platform.close()
    await run('cp', ['-Rp', await realpath(join(dataDir, 'postgres')), fresh])
    await rename(fresh, template).catch(async (error: unknown) => {
      // Another process was faster.
      await access(join(template, 'PG_VERSION')).catch(() => {
        throw error
      })
    })
    return template
  } finally {
    await rm(fresh, { recursive: true, force: true })
    await rm(directory, { recursive: true, force: true })
  }
}

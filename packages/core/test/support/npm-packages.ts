import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'

const run = promisify(execFile)
const cache = fileURLToPath(new URL('../../../../node_modules/.cache/cordon/', import.meta.url))
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'

/** Installs packages into a directory that outlives the run, once per list; returns the directory. Nothing of it is ever committed. */
export async function installPackages(name: string, packages: readonly string[]): Promise<string> {
  const directory = join(cache, name)
  const wanted = packages.join('\n')
  const stamp = join(directory, 'installed.txt')
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return directory
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'package.json'), '{ "private": true }')
  await run(npm, ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', ...packages], { cwd: directory })
  await writeFile(stamp, wanted)
  return directory
}

/** Downloads a package without its dependencies and returns its text files below `prefix`, by path after the prefix. */
export async function readPackage(specifier: string, prefix: string): Promise<ReadonlyMap<string, string>> {
  const archive = join(cache, `${specifier.replaceAll(/[^a-z0-9.-]/g, '_')}.tgz`)
  if ((await stat(archive).catch(() => undefined)) === undefined) {
    await mkdir(cache, { recursive: true })
    const { stdout } = await run(npm, ['pack', specifier, '--pack-destination', cache, '--json'])
    await rename(join(cache, packedName(stdout)), archive)
  }
  const files = new Map<string, string>()
  const entries = createReadStream(archive).pipe(createGunzip()).pipe(extract())
  for await (const entry of entries) {
    const chunks: Uint8Array[] = []
    for await (const chunk of entry as AsyncIterable<Uint8Array>) chunks.push(chunk)
    const path = entry.header.name
    if (path.startsWith(prefix)) files.set(path.slice(prefix.length), Buffer.concat(chunks).toString('utf8'))
  }
  return files
}

function packedName(json: string): string {
  const [packed] = JSON.parse(json) as { filename: string }[]
  if (packed === undefined) throw new Error(`npm packed nothing: ${json}`)
  return packed.filename
}

import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Analysis, AnalyzeOptions, Analyzer, Upload } from '@cordon/contracts'
import { analyzerBuild } from '@cordon/core/testing'
import { removeUnused } from './remove-unused.ts'

/** Most analyses that are kept; a project has a few for each function, old ones included. */
const maxKept = 500

/** An analyzer that remembers, from one process to the next, what it said of an upload: starting it takes longer than most tests. */
export class KeptAnalyses implements Analyzer {
  readonly #analyzer: Analyzer
  readonly #folder: string

  private constructor(analyzer: Analyzer, folder: string) {
    this.#analyzer = analyzer
    this.#folder = folder
  }

  /** Puts itself in front of an analyzer. */
  static in(cache: string): (analyzer: Analyzer) => Analyzer {
    return (analyzer) => new KeptAnalyses(analyzer, join(cache, `analyses-${analyzerBuild()}`))
  }

  async analyze(upload: Upload, options: AnalyzeOptions): Promise<Analysis> {
    // Rules of the host may change at any time.
    if (options.analyzer.ruleModules.length > 0) return this.#analyzer.analyze(upload, options)
    const file = join(this.#folder, keyOf(upload, options))
    const kept = await read(file)
    if (kept !== undefined) return kept
    const analysis = await this.#analyzer.analyze(upload, options)
    // So may packages of the host; one that is wanted and not there is an error.
    const readsHost = options.packages.allow.length > 0 && !(analysis.ok && analysis.manifest.packages.length === 0)
    if (!readsHost) await this.#keep(file, analysis).catch(() => undefined)
    return analysis
  }

  /** Only when there is something to analyse: it would take the time of the first tests. */
  async warm(): Promise<void> {}

  close(): Promise<void> {
    return this.#analyzer.close()
  }

  destroy(): Promise<void> {
    return this.#analyzer.destroy()
  }

  async #keep(file: string, analysis: Analysis): Promise<void> {
    const text = JSON.stringify(analysis)
    const fresh = `${file}.${randomBytes(4).toString('hex')}`
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    await writeFile(fresh, `${sha256(text)}\n${text}`, { mode: 0o600 })
    await rename(fresh, file)
    await this.#prune()
  }

  async #prune(): Promise<void> {
    await removeUnused(dirname(this.#folder), (name) => name.startsWith('analyses-') && name !== basename(this.#folder))
    const names = await readdir(this.#folder)
    if (names.length <= maxKept) return
    const files = await Promise.all(
      names.map(async (name) => ({ path: join(this.#folder, name), time: (await stat(join(this.#folder, name))).mtimeMs })),
    )
    const oldest = files.toSorted((a, b) => a.time - b.time).slice(0, maxKept / 2)
    await Promise.all(oldest.map(({ path }) => rm(path, { force: true })))
  }
}

function keyOf({ files, entry, config }: Upload, options: AnalyzeOptions): string {
  const hash = createHash('sha256').update(JSON.stringify([entry, config, options]))
  for (const path of Object.keys(files).toSorted()) hash.update(JSON.stringify([path, sha256(files[path] ?? '')]))
  return hash.digest('hex')
}

/** One that was cut off or changed is none. */
async function read(file: string): Promise<Analysis | undefined> {
  const content = await readFile(file, 'utf8').catch(() => '')
  const end = content.indexOf('\n')
  const text = content.slice(end + 1)
  return end > 0 && sha256(text) === content.slice(0, end) ? (JSON.parse(text) as Analysis) : undefined
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

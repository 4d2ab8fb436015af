import { createHash } from 'node:crypto'
import type { Analysis, AnalyzeOptions, Upload } from '@cordon/contracts'

/** Largest upload that is looked up, in bytes: hashing that much takes the host about two milliseconds. */
const maxUploadBytes = 2_000_000
/** Most analyses that are kept, and their bundles in characters. */
const maxAnalyses = 200
const maxCharacters = 20_000_000

/**
 * Analyses of uploads that came before, so that content which is deployed again, to another tenant or by a start-up script, is not analysed
 * again. Who gets one gets a copy. The analysis that was used longest ago goes first.
 */
export class AnalysisCache {
  readonly #kept = new Map<string, Analysis>()
  #characters = 0

  get(key: string | undefined): Analysis | undefined {
    const found = key === undefined ? undefined : this.#kept.get(key)
    if (key === undefined || found === undefined) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, found)
    return copy(found)
  }

  set(key: string | undefined, analysis: Analysis): void {
    if (key === undefined || sizeOf(analysis) > maxCharacters / 4) return
    this.#remove(key)
    this.#kept.set(key, copy(analysis))
    this.#characters += sizeOf(analysis)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= maxAnalyses && this.#characters <= maxCharacters) break
      this.#remove(oldest)
    }
  }

  #remove(key: string): void {
    const known = this.#kept.get(key)
    if (known === undefined) return
    this.#kept.delete(key)
    this.#characters -= sizeOf(known)
  }
}

/** The name of everything that an analysis depends on; `undefined` for an upload that is too large to be looked up. */
export function analysisKey(upload: Upload, config: object, options: AnalyzeOptions): string | undefined {
  const files = Object.entries(upload.files)
  let bytes = 0
  for (const [, content] of files) bytes += content.byteLength
  if (bytes > maxUploadBytes) return undefined
  const hash = createHash('sha256').update(JSON.stringify([upload.entry, config, options]))
  for (const [path, content] of files.toSorted(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(JSON.stringify([path, content.byteLength])).update(content)
  return hash.digest('base64')
}

function copy(analysis: Analysis): Analysis {
  const { bundle, ...rest } = analysis
  const copied = structuredClone(rest)
  return bundle === undefined ? copied : { ...copied, bundle: { ...bundle } }
}

function sizeOf({ bundle }: Analysis): number {
  return bundle === undefined ? 1000 : bundle.code.length + bundle.sourceMap.length
}

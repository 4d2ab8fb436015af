import { PlatformError, type Analyzer, type Reaper } from '@cordon/contracts'

/** The analyzer, created by the first upload or by `warm`: a host that only calls functions never loads it. */
export class LazyAnalyzer {
  readonly #reaper: Reaper
  readonly #wrap: (analyzer: Analyzer) => Analyzer
  #created: Promise<Analyzer> | undefined
  #isClosed = false

  constructor(reaper: Reaper, wrap: (analyzer: Analyzer) => Analyzer = (analyzer) => analyzer) {
    this.#reaper = reaper
    this.#wrap = wrap
  }

  readonly get = (): Promise<Analyzer> => {
    if (this.#isClosed) return Promise.reject(new PlatformError('CLOSED', 'Cannot analyse the upload: the platform is closed'))
    this.#created ??= import('@cordon/analyzer').then(({ createAnalyzer }) => this.#wrap(createAnalyzer({ reaper: this.#reaper })))
    return this.#created
  }

  async warm(): Promise<void> {
    if (!this.#isClosed) await (await this.get()).warm()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await (await this.#created)?.close()
  }

  async destroy(): Promise<void> {
    this.#isClosed = true
    await (await this.#created)?.destroy()
  }
}

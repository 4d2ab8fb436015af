import { PlatformError, type Bundle } from '@cordon/contracts'

/** Bytes of code and source maps kept in memory. A bundle is needed on cold starts and for stacks only. */
const maxBytes = 64_000_000

/** Which bundle. */
export interface BundlePlace {
  readonly tenant: string
  readonly function: string
  readonly version: string
}

/** Bundles of all tenants, read from the store on first use, the least recently used ones let go. */
export class BundleCache {
  readonly #load: (place: BundlePlace) => Promise<Bundle | undefined>
  readonly #bundles = new Map<string, Promise<Bundle>>()
  readonly #sizes = new Map<string, number>()
  #bytes = 0

  constructor(load: (place: BundlePlace) => Promise<Bundle | undefined>) {
    this.#load = load
  }

  /** @throws PlatformError VERSION_NOT_FOUND when it was removed meanwhile, STORE_UNAVAILABLE */
  get(place: BundlePlace): Promise<Bundle> {
    const key = keyOf(place)
    const known = this.#bundles.get(key)
    if (known !== undefined) {
      this.#bundles.delete(key)
      this.#bundles.set(key, known)
      return known
    }
    const loading = this.#read(place)
    this.#bundles.set(key, loading)
    loading.then(
      (bundle) => this.#account(key, loading, bundle),
      // A failure is not remembered: the next cold start reads again.
      () => this.#forget(key, loading),
    )
    return loading
  }

  set(place: BundlePlace, bundle: Bundle): void {
    const key = keyOf(place)
    const entry = Promise.resolve(bundle)
    this.delete(place)
    this.#bundles.set(key, entry)
    this.#account(key, entry, bundle)
  }

  delete(place: BundlePlace): void {
    const key = keyOf(place)
    this.#forget(key, this.#bundles.get(key))
  }

  async #read(place: BundlePlace): Promise<Bundle> {
    const bundle = await this.#load(place)
    if (bundle !== undefined) return bundle
    const { function: name, version } = place
    throw new PlatformError('VERSION_NOT_FOUND', `Cannot load "${name}" ${version}: it was removed`, { details: { function: name, version } })
  }

  #account(key: string, entry: Promise<Bundle>, bundle: Bundle): void {
    if (this.#bundles.get(key) !== entry) return
    const size = bundle.code.length + bundle.sourceMap.length
    this.#sizes.set(key, size)
    this.#bytes += size
    for (const [oldest, value] of this.#bundles) {
      if (this.#bytes <= maxBytes) return
      if (oldest !== key) this.#forget(oldest, value)
    }
  }

  #forget(key: string, entry: Promise<Bundle> | undefined): void {
    if (entry === undefined || this.#bundles.get(key) !== entry) return
    this.#bundles.delete(key)
    this.#bytes -= this.#sizes.get(key) ?? 0
    this.#sizes.delete(key)
  }
}

function keyOf({ tenant, function: name, version }: BundlePlace): string {
  return `${tenant} ${name} ${version}`
}

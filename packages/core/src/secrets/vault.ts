import { PlatformError, toPlatformError, type SecretInfo } from '@cordon/contracts'
import { KeyedQueue } from '../registry/keyed-queue.ts'
import { Doubts } from '../store/doubts.ts'
import type { SecretRow, SecretStore } from '../store/secret-store.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import { KeyRing, type SecretPlace } from './key-ring.ts'

/** What a vault needs. */
export interface VaultParts {
  readonly store: SecretStore
  /** The option `secretsKey`; without it the keys are in a file of the data directory. */
  readonly keys: readonly string[] | undefined
  readonly dataDir: string
  readonly onWarning: (message: string) => void
}

/** Most secrets of one tenant, and most UTF-16 units of their values: they are in the memory of every host, and in the call of a function that reads them. */
const maxSecrets = 1000
const maxLength = 1_048_576

/** Secrets of all tenants: sealed in the store, open in memory, so that a call need not wait for them. */
export class Vault {
  readonly #parts: VaultParts
  readonly #values = new Map<string, ReadonlyMap<string, string>>()
  /** One read after the other: of two at once, the older answer could come last and stay. */
  readonly #reads = new KeyedQueue()
  #ring: KeyRing | undefined
  #creating: Promise<KeyRing> | undefined
  readonly #doubts = new Doubts((tenant) => this.reload(tenant))

  constructor(parts: VaultParts) {
    this.#parts = parts
  }

  /** Reads everything, and seals with the current key what an older one sealed. @throws PlatformError INVALID_OPTION, STORE_UNAVAILABLE */
  async open(): Promise<void> {
    const { store, keys, dataDir } = this.#parts
    const found = keys ?? (await readKeyFile(dataDir))
    if (found !== undefined) this.#ring = new KeyRing(found)
    await this.#reads.run(everything, async () => {
      const rows = await store.load()
      this.#values.clear()
      this.#keep(rows)
      for (const row of rows) await this.#renew(row)
    })
  }

  /** The open values of a tenant by name. */
  of(tenant: string): ReadonlyMap<string, string> {
    return this.#values.get(tenant) ?? noValues
  }

  /** Reads the secrets of a tenant anew: another host changed them. */
  reload(tenant: string): Promise<void> {
    return this.#reads.run(everything, async () => {
      const rows = await this.#parts.store.load(tenant)
      if (rows.length > 0) await this.#findRing()
      this.#values.delete(tenant)
      this.#keep(rows)
      this.#doubts.settle(tenant)
    })
  }

  list(tenant: string): Promise<readonly SecretInfo[]> {
    return this.#parts.store.list(tenant)
  }

  /** @throws PlatformError INVALID_OPTION when the tenant would have too many, STORE_UNAVAILABLE */
  async set(place: SecretPlace, value: string): Promise<void> {
    this.#refuseTooMany(place, value)
    const ring = await this.#openRing()
    await this.#write(place.tenant, () => this.#parts.store.set(place, ring.seal(place, value), Date.now()))
  }

  remove(place: SecretPlace): Promise<void> {
    return this.#write(place.tenant, () => this.#parts.store.remove(place))
  }

  /** Resolves when what was written is in memory, too. */
  async #write(tenant: string, run: () => Promise<void>): Promise<void> {
    await this.#doubts.watch(
      tenant,
      run().then(() => this.reload(tenant)),
    )
  }

  #refuseTooMany({ tenant, name }: SecretPlace, value: string): void {
    let length = value.length
    let count = 1
    for (const [other, text] of this.of(tenant)) {
      if (other === name) continue
      length += text.length
      count += 1
    }
    if (count <= maxSecrets && length <= maxLength) return
    throw new PlatformError(
      'INVALID_OPTION',
      `Cannot set the secret "${name}": a tenant may have ${maxSecrets} secrets with ${maxLength} characters together. Remove one that is not used, or put larger data into the database`,
      { details: { option: 'value' } },
    )
  }

  #keep(rows: readonly SecretRow[]): void {
    let locked = 0
    const opened = new Map<string, Map<string, string>>()
    for (const row of rows) {
      const value = this.#ring?.open(row, row)
      if (value === undefined) locked += 1
      else opened.set(row.tenant, (opened.get(row.tenant) ?? new Map<string, string>()).set(row.name, value))
    }
    for (const [tenant, values] of opened) this.#values.set(tenant, values)
    if (locked > 0) {
      this.#parts.onWarning(
        `Cannot open ${locked} of ${rows.length} secrets: they were sealed with a key that this host does not have, or changed in the database. Give all hosts the same secretsKey`,
      )
    }
  }

  async #renew(row: SecretRow): Promise<void> {
    const value = this.of(row.tenant).get(row.name)
    const ring = this.#ring
    if (ring === undefined || value === undefined || row.keyId === ring.current) return
    await this.#parts.store.renew(row, ring.seal(row, value))
  }

  /** The keys; made when the first secret is set and none were given. */
  #openRing(): Promise<KeyRing> {
    if (this.#ring !== undefined) return Promise.resolve(this.#ring)
    this.#creating ??= this.#createRing().finally(() => {
      this.#creating = undefined
    })
    return this.#creating
  }

  async #createRing(): Promise<KeyRing> {
    const { store, dataDir } = this.#parts
    // In this order: another process on the data directory writes its key before its first secret.
    const hasAny = await store.hasAny()
    const found = await readKeyFile(dataDir)
    // A second key beside that of another host would seal what the other cannot open.
    if (found === undefined && hasAny) {
      throw new PlatformError(
        'INVALID_OPTION',
        'Cannot set a secret: this host has no key, and others were sealed with one. Give all hosts the same secretsKey',
        {
          details: { option: 'secretsKey' },
        },
      )
    }
    this.#ring = new KeyRing(found ?? (await createKeyFile(dataDir)))
    return this.#ring
  }

  /** The keys that another process on the data directory made since this one has looked. */
  async #findRing(): Promise<void> {
    if (this.#ring !== undefined) return
    try {
      const found = await readKeyFile(this.#parts.dataDir)
      if (found !== undefined) this.#ring ??= new KeyRing(found)
    } catch (error) {
      this.#parts.onWarning(toPlatformError(error, 'INVALID_OPTION', 'read the keys of secrets').message)
    }
  }
}

/** Key of the queue of reads. */
const everything = ''
const noValues: ReadonlyMap<string, string> = new Map()

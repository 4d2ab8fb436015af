import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** Bytes of a nonce and of a tag (NIST SP 800-38D: 96 bits and 128 bits). */
const nonceBytes = 12
const tagBytes = 16

/** Whose secret it is. It is authenticated with the value: a row copied to another name or tenant does not open. */
export interface SecretPlace {
  readonly tenant: string
  readonly name: string
}

/** A value as it is stored. */
export interface SealedSecret {
  readonly keyId: string
  /** Nonce, tag and ciphertext. */
  readonly sealed: Uint8Array
}

/** Keys for AES-256-GCM: the first seals, all of them open. */
export class KeyRing {
  readonly #keys = new Map<string, Uint8Array>()
  readonly #current: string

  /** `keys`: at least one, 32 bytes each, as hexadecimal digits or base64. */
  constructor(keys: readonly string[]) {
    const ids = keys.map((text) => {
      const key = Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64')
      // Says which key it is without saying anything about it: keys are random.
      const id = createHash('sha256').update('cordon secrets key').update(key).digest('hex').slice(0, 16)
      this.#keys.set(id, key)
      return id
    })
    this.#current = ids[0] ?? ''
  }

  /** Id of the key that seals. */
  get current(): string {
    return this.#current
  }

  has(keyId: string): boolean {
    return this.#keys.has(keyId)
  }

  seal(place: SecretPlace, value: string): SealedSecret {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key(this.#current), nonce).setAAD(boundTo(place))
    const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
    return { keyId: this.#current, sealed: Buffer.concat([nonce, cipher.getAuthTag(), sealed]) }
  }

  /** The value; `undefined` when the key is not here, or when this is not what was sealed for this place. */
  open(place: SecretPlace, { keyId, sealed }: SealedSecret): string | undefined {
    if (!this.#keys.has(keyId) || sealed.length < nonceBytes + tagBytes) return undefined
    const decipher = createDecipheriv('aes-256-gcm', this.#key(keyId), sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
      .setAAD(boundTo(place))
      .setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes))
    try {
      return decipher.update(sealed.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
    } catch {
      return undefined
    }
  }

  #key(id: string): Uint8Array {
    return this.#keys.get(id) ?? new Uint8Array()
  }
}

function boundTo({ tenant, name }: SecretPlace): Uint8Array {
  return Buffer.from(JSON.stringify(['cordon secret', tenant, name]))
}

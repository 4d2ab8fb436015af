/** A value as the protocol takes it: text, bytes, or null. Lists become array literals, plain objects JSON text. */
export function toParameter(value: unknown): string | Buffer | null {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (Array.isArray(value)) return arrayLiteral(value)
  return toText(value)
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The text form of an array (PostgreSQL manual, 8.15.6): every element quoted, so that no element is read as NULL or a brace. */
function arrayLiteral(list: readonly unknown[]): string {
  return `{${list.map(arrayElement).join(',')}}`
}

function arrayElement(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  if (Array.isArray(value)) return arrayLiteral(value)
  const text = value instanceof Uint8Array ? `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}` : toText(value)
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}

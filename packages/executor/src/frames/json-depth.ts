const quote = 0x22
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/**
 * Whether JSON text nests deeper than `max` levels, found without recursion and without parsing. Every level takes two
 * bytes, so short text is answered at once.
 */
export function isDeeperThan(json: Uint8Array, start: number, max: number): boolean {
  if (json.length - start <= max * 2) return false
  let depth = 0
  let isString = false
  for (let index = start; index < json.length; index++) {
    const byte = json[index]
    if (isString) {
      if (byte === backslash) index++
      else if (byte === quote) isString = false
    } else if (byte === quote) {
      isString = true
    } else if (byte === openBracket || byte === openBrace) {
      if (++depth > max) return true
    } else if (byte === closeBracket || byte === closeBrace) {
      depth--
    }
  }
  return false
}

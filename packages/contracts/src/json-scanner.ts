/** What was read last, and so what may come next. 0: it is not JSON. */
const stateNames = [
  ...['refused', 'start', 'afterValue', 'openArray', 'openObject', 'afterComma', 'afterKey', 'beforeValue'],
  ...['key', 'keyEscape', 'keyHex4', 'keyHex3', 'keyHex2', 'keyHex1', 'text', 'textEscape', 'textHex4', 'textHex3', 'textHex2', 'textHex1'],
  ...['minus', 'zero', 'integer', 'point', 'decimals', 'exponent', 'exponentSign', 'exponentDigits'],
  ...['t', 'tr', 'tru', 'f', 'fa', 'fal', 'fals', 'n', 'nu', 'nul'],
] as const
type StateName = (typeof stateNames)[number]

/** Steps that need to know more than the state: which levels are open, how many keys there were. Above every state. */
const steps = { enterObject: 64, enterArray: 65, leaveObject: 66, leaveArray: 67, comma: 68, colon: 69 } as const

/** Next state or step by state and byte. */
const table = createTable()
const start = stateOf('start')
const afterValue = stateOf('afterValue')
const afterComma = stateOf('afterComma')
const beforeValue = stateOf('beforeValue')
const openObject = stateOf('openObject')
const openArray = stateOf('openArray')
const inText = stateOf('text')
/** 1 for bytes that a string goes on with. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) => (table[(inText << 8) | byte] === inText ? 1 : 0))
/** States in which a text without brackets may be over. */
const completeStates: ReadonlySet<number> = new Set((['afterValue', 'zero', 'integer', 'decimals', 'exponentDigits'] as const).map(stateOf))

function stateOf(name: StateName): number {
  return stateNames.indexOf(name)
}

/** RFC 8259 as a table. */
function createTable(): Uint8Array {
  const next = new Uint8Array(stateNames.length * 256)
  function on(from: StateName, characters: string, to: StateName | keyof typeof steps): void {
    const target = to in steps ? steps[to as keyof typeof steps] : stateOf(to as StateName)
    for (const one of characters) next[stateOf(from) * 256 + one.charCodeAt(0)] = target
  }
  function stay(name: StateName): void {
    for (let byte = 0x20; byte < 256; byte++) next[stateOf(name) * 256 + byte] = stateOf(name)
  }
  const blanks = ' \t\n\r'
  const digits = '0123456789'
  for (const state of ['start', 'openArray', 'beforeValue'] as const) {
    on(state, blanks, state)
    on(state, '{', 'enterObject')
    on(state, '[', 'enterArray')
    on(state, '"', 'text')
    on(state, '-', 'minus')
    on(state, '0', 'zero')
    on(state, '123456789', 'integer')
    for (const letter of ['t', 'f', 'n'] as const) on(state, letter, letter)
  }
  on('openArray', ']', 'leaveArray')
  for (const state of ['openObject', 'afterComma'] as const) {
    on(state, blanks, state)
    on(state, '"', 'key')
  }
  on('openObject', '}', 'leaveObject')
  on('afterKey', blanks, 'afterKey')
  on('afterKey', ':', 'colon')
  for (const kind of ['key', 'text'] as const) {
    stay(kind)
    on(kind, '"', kind === 'key' ? 'afterKey' : 'afterValue')
    on(kind, '\\', `${kind}Escape`)
    on(`${kind}Escape`, '"\\/bfnrt', kind)
    on(`${kind}Escape`, 'u', `${kind}Hex4`)
    const hexes = [`${kind}Hex4`, `${kind}Hex3`, `${kind}Hex2`, `${kind}Hex1`, kind] as const
    for (let index = 0; index < 4; index++) on(hexes[index] ?? kind, `${digits}abcdefABCDEF`, hexes[index + 1] ?? kind)
  }
  on('minus', '0', 'zero')
  on('minus', '123456789', 'integer')
  on('integer', digits, 'integer')
  for (const state of ['zero', 'integer'] as const) on(state, '.', 'point')
  for (const state of ['point', 'decimals'] as const) on(state, digits, 'decimals')
  for (const state of ['zero', 'integer', 'decimals'] as const) on(state, 'eE', 'exponent')
  on('exponent', '+-', 'exponentSign')
  for (const state of ['exponent', 'exponentSign', 'exponentDigits'] as const) on(state, digits, 'exponentDigits')
  const words = [
    ['t', 'tr', 'tru', 'true'],
    ['f', 'fa', 'fal', 'fals', 'false'],
    ['n', 'nu', 'nul', 'null'],
  ] as const
  for (const word of words) {
    const [, ...longer] = word
    longer.forEach((prefix, index) =>
      on(word[index] as StateName, prefix.slice(-1), index === longer.length - 1 ? 'afterValue' : (prefix as StateName)),
    )
  }
  for (const state of ['afterValue', 'zero', 'integer', 'decimals', 'exponentDigits'] as const) {
    on(state, blanks, 'afterValue')
    on(state, ',', 'comma')
    on(state, '}', 'leaveObject')
    on(state, ']', 'leaveArray')
  }
  return next
}

/**
 * Says whether bytes are one JSON text (RFC 8259) that nests at most `maxDepth` levels, without making anything of it:
 * for text that is made to be slow, parsing costs 10 to 50 times as much (5 MB: 400 ms for 380 000 keys, 2.6 s for 2 000 000
 * levels, 1 to 10 ns a byte here). The bytes may come in pieces of any size. Whether they are UTF-8 is not looked at.
 */
export class JsonScanner {
  #state = start
  #depth = 0
  /** Whether each level is an object or an array, from 1 on. A list, because most texts are short: making a typed array costs more than they do. */
  readonly #levels: boolean[] = [false]
  readonly #maxDepth: number
  #keysLeft: number
  #offset = 0
  #failure: string | undefined

  /** Objects with many different keys are what parsing is slow at: about 2 µs a key. Text that is not parsed here needs no `maxKeys`. */
  constructor(maxDepth: number, maxKeys = Infinity) {
    this.#maxDepth = maxDepth
    this.#keysLeft = maxKeys
  }

  /** What is wrong with it; `undefined` as long as nothing is. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Takes the next piece; `false` when the whole can no longer be JSON. */
  push(bytes: Uint8Array, from = 0): boolean {
    if (this.#failure !== undefined) return false
    let state = this.#state
    for (let index = from; index < bytes.length; index++) {
      const next = table[(state << 8) | (bytes[index] ?? 0)] ?? 0
      state = next < steps.enterObject ? next : this.#step(next)
      if (state === 0) {
        this.#failure ??= `it is not JSON at byte ${this.#offset + index - from}`
        return false
      }
      // Most of a long text is inside of strings, where most bytes change nothing.
      if (state === inText) while (plain[bytes[index + 1] ?? 0] === 1) index++
    }
    this.#state = state
    this.#offset += bytes.length - from
    return true
  }

  /** Whether what came is complete. */
  end(): boolean {
    if (this.#depth > 0 || !completeStates.has(this.#state)) this.#failure ??= 'it ends too early'
    return this.#failure === undefined
  }

  #step(step: number): number {
    const isObject = this.#levels[this.#depth] === true
    switch (step) {
      case steps.enterObject:
      case steps.enterArray:
        if (this.#depth === this.#maxDepth) {
          this.#failure = `it is nested deeper than ${this.#maxDepth} levels`
          return 0
        }
        this.#levels[++this.#depth] = step === steps.enterObject
        return step === steps.enterObject ? openObject : openArray
      case steps.comma:
        if (this.#depth === 0) return 0
        return isObject ? afterComma : beforeValue
      case steps.colon:
        if (this.#keysLeft-- > 0) return beforeValue
        this.#failure = 'it has too many keys'
        return 0
      default:
        if (this.#depth === 0 || isObject !== (step === steps.leaveObject)) return 0
        this.#depth--
        return afterValue
    }
  }
}

/**
 * What a sandbox has of the web: the globals of Node without those that open connections or start threads (`globals.ts` of the executor), and
 * `import.meta`. Everything that their types mention comes along.
 */
const globals = [
  ...['AbortController', 'AbortSignal', 'Blob', 'ByteLengthQueuingStrategy', 'CompressionStream', 'CountQueuingStrategy', 'Crypto', 'CryptoKey'],
  ...['CustomEvent', 'DOMException', 'DecompressionStream', 'Event', 'EventTarget', 'File', 'FormData', 'Headers', 'ImportMeta'],
  ...['MessageChannel', 'MessageEvent', 'MessagePort', 'Performance', 'PerformanceObserver', 'PerformanceResourceTiming', 'ReadableStream'],
  ...['Request', 'Response', 'SubtleCrypto', 'TextDecoder', 'TextDecoderStream', 'TextEncoder', 'TextEncoderStream', 'TransformStream', 'URL'],
  ...['URLPattern', 'URLSearchParams', 'WebAssembly', 'WritableStream', 'atob', 'btoa', 'clearInterval', 'clearTimeout', 'console', 'crypto'],
  ...['fetch', 'performance', 'queueMicrotask', 'setInterval', 'setTimeout', 'structuredClone'],
]

/** Types of browsers that the former mention among others and that lead to half of the library. A sandbox has no value of them. */
const absent = ['AudioData', 'ImageBitmap', 'MediaSourceHandle', 'OffscreenCanvas', 'RTCDataChannel', 'ServiceWorker', 'VideoFrame', 'WebTransport']

/**
 * The declarations of a library for web workers that describe what a sandbox has: about a sixth of the text. Reading the whole takes a third of
 * the first analysis of a process, and what it declares besides is not there when the code runs.
 */
export function chooseWebDeclarations(library: string): string {
  const byName = new Map<string, string[]>()
  for (const declaration of splitDeclarations(library)) {
    const name = declarationName.exec(declaration)?.[1] ?? ''
    const known = byName.get(name)
    if (known === undefined) byName.set(name, [declaration])
    else known.push(declaration)
  }
  const chosen = new Set<string>(absent)
  const texts = absent.map((name) => `type ${name} = never;`)
  function add(name: string): void {
    const declarations = byName.get(name)
    if (declarations === undefined || chosen.has(name)) return
    chosen.add(name)
    for (const declaration of declarations) {
      texts.push(declaration)
      // Types begin with a capital; other words are members, and some of them are globals of browsers by chance.
      for (const [word] of declaration.matchAll(/\b[A-Z]\w+/g)) add(word)
    }
  }
  for (const name of globals) add(name)
  return texts.join('\n')
}

const declarationName = /^\s*(?:declare\s+)?(?:interface|type|var|function|namespace)\s+(\w+)/

/** What matters for where a declaration ends. Strings come whole. */
const token = /"[^"\n]*"|'[^'\n]*'|`[^`]*`|[{}()[\];]/g

/** Splits a library into its declarations, without comments. */
function splitDeclarations(library: string): string[] {
  const text = library.replaceAll(/\/\*[^]*?\*\/|^\/\/.*$/gm, '')
  const found: string[] = []
  let start = 0
  let depth = 0
  for (const { 0: mark, index } of text.matchAll(token)) {
    if (mark === '{' || mark === '(' || mark === '[') depth++
    else if (mark === '}' || mark === ')' || mark === ']') depth--
    if (depth > 0 || (mark !== ';' && (mark !== '}' || !/^\s*(?:declare\s+namespace|interface)\s/.test(text.slice(start, start + 40))))) continue
    found.push(text.slice(start, index + 1))
    start = index + 1
  }
  return found
}

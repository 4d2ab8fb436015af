import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { ts } from '@ts-morph/common'
import { standardText } from './standard-text.ts'

/**
 * Where the platform's own declarations stand among the files of a program. An upload may have files below this path; they
 * are not found then.
 */
const platformFolder = '/node_modules/.cordon'
/** What functions have besides: `Context` without an import, and of Node what has no import either. Its modules are `any`: their types are as long as the library. */
const ambient = `
type Context = import('./contracts/context.ts').Context
declare class Buffer extends Uint8Array {
  [name: string]: any
  static [name: string]: any
  static from(data: string | ArrayLike<number> | Iterable<number> | ArrayBufferLike, encoding?: string | number, length?: number): Buffer
  static alloc(size: number, fill?: string | number, encoding?: string): Buffer
  static concat(list: readonly Uint8Array[], totalLength?: number): Buffer
  static isBuffer(value: unknown): value is Buffer
  toString(encoding?: string, start?: number, end?: number): string
}
declare namespace NodeJS { type Timeout = any; type Immediate = any; type ErrnoException = Error & { code?: string }; type ProcessEnv = any }
declare const process: { readonly env: Record<string, string | undefined>; readonly [name: string]: any }
declare function setImmediate(run: (...values: any[]) => void, ...values: any[]): any
declare function clearImmediate(handle: any): void
declare const global: any
declare const self: any
declare const navigator: any
declare const require: any
declare const module: any
declare const exports: any
declare const __filename: string
declare const __dirname: string
declare module 'node:*'
${builtinModules.map((name) => `declare module '${name}'`).join('\n')}
`

/** The files that programs have besides the upload's, parsed once for the life of the process. */
export interface Library {
  /** Files that are part of every program without being imported. */
  readonly rootNames: readonly string[]
  find(fileName: string): ts.SourceFile | undefined
  /** The file behind a module of the platform itself: `@cordon/core` in functions is for types only. */
  resolve(specifier: string): string | undefined
  /** Whether a declaration is the language's or the web's own. */
  isStandard(declaration: ts.Node): boolean
}

let library: Library | undefined

/** Gives the library; the first call reads and parses it (about 0.1 s). */
export function getLibrary(): Library {
  library ??= createLibrary()
  return library
}

function createLibrary(): Library {
  const standard = parse(`${platformFolder}/lib.d.ts`, standardText(), ts.JSDocParsingMode.ParseNone)
  const own = parse(`${platformFolder}/ambient.d.ts`, ambient, ts.JSDocParsingMode.ParseNone)
  const contracts = contractFiles()
  const files = new Map([standard, own].map((file) => [file.fileName, file]))
  return {
    rootNames: [standard.fileName, own.fileName],
    find(fileName) {
      const url = files.has(fileName) ? undefined : contracts.get(fileName)
      // Most functions need of contracts what their context is, and few of them more.
      if (url !== undefined) files.set(fileName, parse(fileName, readFileSync(url, 'utf8'), ts.JSDocParsingMode.ParseAll))
      return files.get(fileName)
    },
    resolve: (specifier) => (/^@cordon\/(?:core|contracts)$/.test(specifier) ? `${platformFolder}/contracts/index.d.ts` : undefined),
    isStandard(declaration) {
      const file = declaration.getSourceFile()
      return file === standard || file === own
    },
  }
}

/** Where the declarations of contracts are, as they were built, by their names in a program. */
function contractFiles(): Map<string, URL> {
  const folder = new URL('.', import.meta.resolve('@cordon/contracts'))
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'))
  return new Map(paths.filter((path) => path.endsWith('.d.ts')).map((path) => [`${platformFolder}/contracts/${path}`, new URL(path, folder)]))
}

function parse(fileName: string, text: string, jsDocParsingMode: ts.JSDocParsingMode): ts.SourceFile {
  return ts.createSourceFile(fileName, text, { languageVersion: ts.ScriptTarget.ESNext, jsDocParsingMode }, false)
}

import { getLibFiles } from '@ts-morph/common'
import { chooseWebDeclarations } from './web-library.ts'

/** The language. */
const languageLibrary = 'lib.es2023.d.ts'
/** What a sandbox has of the web is part of the library for web workers, without pages and documents. */
const webLibrary = 'lib.webworker.d.ts'

/**
 * All declarations of the language and the web as one text, without comments: names that are declared in many files are merged once, not for every
 * program. The build puts the text itself in the place of this module (tools/build/bundle-analyzer.mjs).
 */
export function standardText(): string {
  const texts = new Map(getLibFiles().map((file) => [file.fileName.slice(file.fileName.lastIndexOf('/') + 1), file.text]))
  const chosen = new Map<string, string>()
  function add(name: string): void {
    const text = texts.get(name)
    if (text === undefined || chosen.has(name)) return
    chosen.set(name, text)
    for (const [, referenced] of text.matchAll(/^\/\/\/ <reference lib="([^"]+)"/gm)) add(`lib.${referenced}.d.ts`)
  }
  add(languageLibrary)
  return [...chosen.values(), chooseWebDeclarations(texts.get(webLibrary) ?? '')].join('\n').replaceAll(/^\/\/\/.*$/gm, '')
}

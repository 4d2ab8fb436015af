import { ts } from '@ts-morph/common'
import { isFirstParty } from '../bundle/upload-tree.ts'

/** Parses the code of one upload. */
export interface SourceParser {
  /**
   * @param path path inside the upload; its ending says which language it is
   * @throws RangeError when the source is nested deeper than the parser's stack
   */
  parse(path: string, text: string): ts.SourceFile
}

/** Creates the parser of one upload. What the user wrote is parsed once, for the guard of the bundler, the rules and the type checker. */
export function createSourceParser(): SourceParser {
  const known = new Map<string, ts.SourceFile>()
  return {
    parse(path, text) {
      const kept = known.get(path)
      if (kept?.text === text) return kept
      const isOwn = isFirstParty(path)
      // Comments of packages say nothing to anyone here. Parents of nodes are set when a program binds the file.
      const jsDocParsingMode = isOwn ? ts.JSDocParsingMode.ParseAll : ts.JSDocParsingMode.ParseNone
      const file = ts.createSourceFile(`/${path}`, text, { languageVersion: ts.ScriptTarget.ESNext, jsDocParsingMode }, false)
      if (isOwn) known.set(path, file)
      return file
    },
  }
}

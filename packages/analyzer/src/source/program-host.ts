import type { ts } from '@ts-morph/common'

/** What a program needs to know of a system whose files are all in memory: names are absolute and case counts. */
export function createProgramHost(find: (fileName: string) => ts.SourceFile | undefined): ts.CompilerHost {
  return {
    getSourceFile: find,
    fileExists: (name) => find(name) !== undefined,
    readFile: () => undefined,
    getDefaultLibFileName: () => '',
    getCurrentDirectory: () => '/',
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    writeFile: () => undefined,
  }
}

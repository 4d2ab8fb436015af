import { Script } from 'node:vm'
import { ts } from '@ts-morph/common'
import type { BundleResult } from '../bundle/bundle.ts'
import { isFirstParty } from '../bundle/upload-tree.ts'
import { wrapCode } from '../bundle/wrapper.ts'
import type { ParsedSources } from '../source/source-text.ts'
import type { Reporter } from './reporter.ts'

/** What turns text into code when it is called by its name. */
const makers = /(?<![.\w$'"`])(?:eval|Function)\s*\(/

/** What the check of a bundle needs. */
export interface BundleCheck {
  readonly entry: string
  readonly parsed: ParsedSources
  readonly validators: string | undefined
  readonly reporter: Reporter
}

/**
 * Checks that what was checked is what runs: every file of the user's in the bundle went through the rules, nothing is imported any more, nothing makes code of
 * text that did not do so in the source, and the whole compiles to one classic script. Nothing of it runs here. Gives the code of the version; the
 * host hashes exactly this text, and a sandbox loads it by that hash.
 */
export function checkBundle(bundled: BundleResult, { entry, parsed, validators, reporter }: BundleCheck): string | undefined {
  const refuse = (message: string): undefined => {
    reporter.add({ rule: 'bundle', severity: 'fixed', message: `Cannot bundle: ${message}`, file: entry, text: '' })
    return undefined
  }
  const { code } = bundled
  if (code === undefined) {
    return refuse('there is no output. Simplify the upload.')
  }
  const unread = [...bundled.included].find(
    (path) => isFirstParty(path) && bundled.codeFiles.has(path) && !parsed.files.some((one) => one.path === path),
  )
  if (unread !== undefined) return refuse(`"${unread}" was not checked by the rules. Give the file an ending of code.`)
  if (hasImport(code)) return refuse('an import is left in the result. Write its path as a string.')
  if (makers.test(code) && ![...bundled.sources.values()].some((bytes) => mayMake(new TextDecoder().decode(bytes)))) {
    return refuse('the result turns text into code where no file does. Simplify the upload.')
  }
  const wrapped = wrapCode(code, validators)
  try {
    void new Script(wrapped, { filename: 'bundle.js' })
    return wrapped
  } catch (error) {
    return refuse(`the result is not valid code (${error instanceof Error ? error.message : String(error)}). Write it in strict-mode JavaScript.`)
  }
}

/** Whether a source has such a call; a name may be written with escapes, which the rules read and the bundler resolves. */
function mayMake(source: string): boolean {
  return makers.test(source) || /\\u[\da-f{]/i.test(source)
}

/** Whether code has `import(…)` or `import.meta`; the word alone may stand in a text. */
function hasImport(code: string): boolean {
  if (!/\bimport\s*[(.]/.test(code)) return false
  const stack: ts.Node[] = [ts.createSourceFile('bundle.js', code, ts.ScriptTarget.ESNext, false)]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.kind === ts.SyntaxKind.ImportKeyword || ts.isMetaProperty(node)) {
      if (!ts.isMetaProperty(node) || node.keywordToken === ts.SyntaxKind.ImportKeyword) return true
    }
    ts.forEachChild(node, (child) => void stack.push(child))
  }
  return false
}

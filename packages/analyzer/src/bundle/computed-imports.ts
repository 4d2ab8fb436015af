import { ts } from '@ts-morph/common'
import { unwrap } from '../source/syntax.ts'

/**
 * Hides relative imports with a computed path from esbuild. It takes `import('./' + name)` for a pattern and searches the
 * disk for files that match, past every hook. Wrapped into `[…][0]` the path is a value like any other, which is looked up
 * (and not found) when it runs. Offsets of a line change only where such an import stands.
 */
export function hideComputedImports(text: string, parse: () => ts.SourceFile): string {
  if (isClean(text)) return text
  const ast = parse()
  const found: ts.Expression[] = []
  const stack: ts.Node[] = [ast]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const specifier = ts.isCallExpression(node) && isLoad(node.expression) ? node.arguments[0] : undefined
    if (specifier !== undefined && !ts.isStringLiteralLike(specifier) && !ts.isSpreadElement(specifier)) found.push(specifier)
    ts.forEachChild(node, (child) => void stack.push(child))
  }
  let hidden = text
  for (const one of found.toSorted((a, b) => b.pos - a.pos))
    hidden = `${hidden.slice(0, one.pos)}[${hidden.slice(one.pos, one.end)}][0]${hidden.slice(one.end)}`
  return hidden
}

function isLoad(callee: ts.Expression): boolean {
  const target = unwrap(callee)
  if (target.kind === ts.SyntaxKind.ImportKeyword || ts.isMetaProperty(target)) return true
  return ts.isIdentifier(target) && target.text === 'require'
}

/**
 * A quick look that only errs on the side of a closer one: true when each `import` and `require` surely is no call, or a call
 * with a plain string.
 */
function isClean(text: string): boolean {
  const plainCall = /\(\s*(?:'[^'\\\n]*'|"[^"\\\n]*"|`[^`\\$]*`)\s*[),]/y
  for (const found of text.matchAll(/(?<![\w$])(import|require)(?![\w$])\s*/g)) {
    const end = found.index + found[0].length
    const next = text[end] ?? ''
    plainCall.lastIndex = end
    if (next === '(' ? !plainCall.test(text) : next === '/' || (found[1] === 'require' && /[)?!<a\\]/.test(next))) return false
    if (found[1] === 'import' && next === '.' && !text.startsWith('.meta', end)) return false
  }
  return !text.includes('\\u') || count(text) === count(text.replaceAll(/\\u(?:\{([\da-f]+)\}|([\da-f]{4}))/gi, decode))
}

function count(text: string): number {
  return text.split('require').length
}

function decode(escape: string, braced: string | undefined, plain: string | undefined): string {
  const code = Number.parseInt(braced ?? plain ?? '', 16)
  return code <= 0x7f ? String.fromCharCode(code) : escape
}

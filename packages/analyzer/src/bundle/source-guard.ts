import { ts } from '@ts-morph/common'

/**
 * Deepest nesting of code. esbuild takes about 3 kB of stack for a level; this is far more than people write, and what
 * generators of code write stays below it too.
 */
const maxCodeDepth = 3000
/** Deepest nesting of a JSON file. */
const maxJsonDepth = 1000
/** Longest string that an enum may compute, in characters. */
const maxEnumText = 100_000
/** Most characters that inlined enum members may add to a bundle. */
const maxInlinedText = 20_000_000

/** A source that would cost the bundler more memory than it is worth. */
export class SourceLimit extends Error {}

/** Looks at source of the upload before the bundler, whose memory no flag bounds, gets to see it. */
export interface SourceGuard {
  /** @throws SourceLimit */
  checkCode(path: string, ast: ts.SourceFile): void
  /** @throws SourceLimit */
  checkJson(path: string, text: string): void
}

/** Creates the guard of one upload. */
export function createSourceGuard(): SourceGuard {
  const lengths = new Map<string, number>()
  const uses = new Map<string, number>()
  return {
    checkCode(path, ast) {
      const stack: { readonly node: ts.Node; readonly depth: number }[] = [{ node: ast, depth: 0 }]
      for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
        const { node, depth } = at
        if (depth > maxCodeDepth) throw new SourceLimit(`"${path}" is nested too deeply`)
        if (ts.isEnumDeclaration(node)) measureEnum(node, lengths, path)
        const name = ts.isPropertyAccessExpression(node)
          ? node.name.text
          : ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)
            ? node.argumentExpression.text
            : undefined
        if (name !== undefined) uses.set(name, (uses.get(name) ?? 0) + 1)
        // A long sum leans to the left, and both parsers walk it without recursion.
        const isSum = ts.isBinaryExpression(node)
        ts.forEachChild(
          node,
          (child) => void stack.push({ node: child, depth: isSum && child === node.left && ts.isBinaryExpression(child) ? depth : depth + 1 }),
        )
      }
      // Every use of an enum member is replaced by its value.
      const inlined = [...lengths].reduce((sum, [name, length]) => sum + length * (uses.get(name) ?? 0), 0)
      if (inlined > maxInlinedText) throw new SourceLimit(`the strings of its enums are too long for how often they are used ("${path}")`)
    },
    checkJson(path, text) {
      let depth = 0
      for (const [found] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
        if (found === '[' || found === '{') depth++
        else if (found === ']' || found === '}') depth--
        if (depth > maxJsonDepth) throw new SourceLimit(`"${path}" is nested too deeply`)
      }
    },
  }
}

/** esbuild computes enum members that are made of others, and a few lines of doubling make gigabytes. */
function measureEnum(node: ts.EnumDeclaration, lengths: Map<string, number>, path: string): void {
  for (const member of node.members) {
    const name = ts.isIdentifier(member.name) || ts.isStringLiteralLike(member.name) ? member.name.text : ''
    const length = member.initializer === undefined ? 0 : measure(member.initializer, lengths)
    if (length > maxEnumText) throw new SourceLimit(`an enum computes a string of more than ${maxEnumText} characters ("${path}")`)
    lengths.set(name, Math.max(length, lengths.get(name) ?? 0))
  }
}

/** Upper bound of the text that an expression of constants gives. */
function measure(expression: ts.Expression, lengths: ReadonlyMap<string, number>): number {
  let sum = 0
  const stack: ts.Node[] = [expression]
  for (let node = stack.pop(); node !== undefined && sum <= maxEnumText; node = stack.pop()) {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node)) sum += node.text.length
    if (ts.isStringLiteralLike(node) || ts.isIdentifier(node)) sum += lengths.get(node.text) ?? 0
    // A number may become text of some digits.
    if (ts.isNumericLiteral(node)) sum += 25
    ts.forEachChild(node, (child) => void stack.push(child))
  }
  return sum
}

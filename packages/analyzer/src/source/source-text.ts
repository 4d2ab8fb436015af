import { ts } from '@ts-morph/common'
import { createProgramHost } from './program-host.ts'
import type { SourceParser } from './source-parser.ts'

/** One parsed file. */
export interface SourceText {
  /** Path inside the upload. */
  readonly path: string
  readonly text: string
  readonly ast: ts.SourceFile
  /** All nodes of some kinds that run (nothing of a type), in the order of the text. The tree is walked once, whatever the number of rules. */
  nodesOf(...kinds: readonly ts.SyntaxKind[]): readonly ts.Node[]
}

/** The parsed files of an upload, bound so that names lead to their declarations. Nothing is type-checked. */
export interface ParsedSources {
  readonly files: readonly SourceText[]
  readonly checker: ts.TypeChecker
  syntaxErrors(file: SourceText): readonly ts.DiagnosticWithLocation[]
}

const options: ts.CompilerOptions = {
  allowJs: true,
  noLib: true,
  noResolve: true,
  skipLibCheck: true,
  types: [],
  jsx: ts.JsxEmit.Preserve,
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  experimentalDecorators: true,
}

/** Puts the files of an upload into one program: no library, no resolution, no file of this machine. */
export function parseSources(texts: ReadonlyMap<string, string>, parser: SourceParser): ParsedSources {
  const files = [...texts].map(([path, text]) => createSourceText(path, text, parser.parse(path, text)))
  const byName = new Map(files.map(({ ast }) => [ast.fileName, ast]))
  const host: ts.CompilerHost = {
    ...createProgramHost((name) => byName.get(name)),
    // Names are followed inside a file; what another one exports is not asked for.
    resolveModuleNameLiterals: (literals) => literals.map(() => ({ resolvedModule: undefined })),
  }
  const program = ts.createProgram({ rootNames: [...byName.keys()], options, host })
  return {
    files,
    // Creating the checker binds the files.
    checker: program.getTypeChecker(),
    syntaxErrors: (file) => program.getSyntacticDiagnostics(file.ast),
  }
}

function createSourceText(path: string, text: string, ast: ts.SourceFile): SourceText {
  let index: Map<ts.SyntaxKind, ts.Node[]> | undefined
  const selections = new Map<string, readonly ts.Node[]>()
  return {
    path,
    text,
    ast,
    nodesOf(...kinds) {
      const key = kinds.join()
      let selection = selections.get(key)
      if (selection === undefined) {
        index ??= indexByKind(ast)
        const found = kinds.map((kind) => index?.get(kind) ?? [])
        selection = found.length === 1 ? (found[0] ?? []) : found.flat().toSorted((a, b) => a.pos - b.pos)
        selections.set(key, selection)
      }
      return selection
    },
  }
}

/** Types, interfaces and `declare`: nothing of it runs, and no rule looks at it. */
function isTypeOnly(node: ts.Node): boolean {
  if (ts.isExpressionWithTypeArguments(node)) return false
  if (ts.isHeritageClause(node)) return node.token === ts.SyntaxKind.ImplementsKeyword
  if (ts.isTypeNode(node) || ts.isTypeParameterDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true
  return ts.canHaveModifiers(node) && node.modifiers?.some((one) => one.kind === ts.SyntaxKind.DeclareKeyword) === true
}

/** Walks with a stack of its own: hostile source nests deeper than the engine's. */
function indexByKind(ast: ts.SourceFile): Map<ts.SyntaxKind, ts.Node[]> {
  const index = new Map<ts.SyntaxKind, ts.Node[]>()
  const stack: ts.Node[] = [ast]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const list = index.get(node.kind)
    if (list === undefined) index.set(node.kind, [node])
    else list.push(node)
    const children: ts.Node[] = []
    ts.forEachChild(node, (child) => {
      if (!isTypeOnly(child)) children.push(child)
    })
    for (const child of children.toReversed()) stack.push(child)
  }
  return index
}

import { Project, ts } from 'ts-morph'

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

/** Parses files into one program over an in-memory file system: no library, no resolution, no file of this machine. */
export function parseSources(texts: ReadonlyMap<string, string>): ParsedSources {
  const project = new Project({
    useInMemoryFileSystem: true,
    skipLoadingLibFiles: true,
    skipFileDependencyResolution: true,
    compilerOptions: {
      allowJs: true,
      noLib: true,
      noResolve: true,
      skipLibCheck: true,
      types: [],
      jsx: ts.JsxEmit.Preserve,
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      experimentalDecorators: true,
    },
  })
  const parsed = [...texts].map(([path, text]) => ({ path, text, file: project.createSourceFile(`/${path}`, text) }))
  const program = project.getProgram().compilerObject
  return {
    files: parsed.map(({ path, text, file }) => createSourceText(path, text, file.compilerNode)),
    checker: program.getTypeChecker(),
    syntaxErrors: (file) => program.getSyntacticDiagnostics(file.ast),
  }
}

function createSourceText(path: string, text: string, ast: ts.SourceFile): SourceText {
  let index: Map<ts.SyntaxKind, ts.Node[]> | undefined
  return {
    path,
    text,
    ast,
    nodesOf(...kinds) {
      index ??= indexByKind(ast)
      const found = kinds.map((kind) => index?.get(kind) ?? [])
      return found.length === 1 ? (found[0] ?? []) : found.flat().toSorted((a, b) => a.pos - b.pos)
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

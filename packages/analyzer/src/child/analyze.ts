import { resolveFunctionConfig, type ResolvedFunctionConfig, type Schemas } from '@cordon/contracts'
import { ts } from '@ts-morph/common'
import { bundle, type BundleInput, type BundleResult } from '../bundle/bundle.ts'
import { findEntry } from '../bundle/file-lookup.ts'
import { createHostPackages, type HostPackages } from '../bundle/host-packages.ts'
import { createResolver, type PackageFlavour } from '../bundle/resolve.ts'
import { SourceLimit } from '../bundle/source-guard.ts'
import { createUploadTree, isFirstParty } from '../bundle/upload-tree.ts'
import { wrapSourceMap } from '../bundle/wrapper.ts'
import { collectCapabilities, placeCapabilities } from '../manifest/capabilities.ts'
import { findUses, type FoundUse } from '../manifest/find-uses.ts'
import { findHandlerParameters } from '../manifest/handler-parameters.ts'
import { readConfig } from '../rules/config-literal.ts'
import { handlerKind } from '../rules/handler-shape.ts'
import { attemptHostRule, HostRuleProblem, isHostRule, loadHostRules } from '../rules/host-rules.ts'
import type { Rule, RuleContext } from '../rules/rule.ts'
import { ruleList } from '../rules/rule-list.ts'
import { findDefaultExport } from '../source/exports.ts'
import { describeHandlerComment } from '../source/handler-description.ts'
import { createSourceParser } from '../source/source-parser.ts'
import { parseSources, type ParsedSources, type SourceText } from '../source/source-text.ts'
import { createValues, type Values } from '../values/evaluate.ts'
import { findReferences, type Reference } from '../values/references.ts'
import { reportBundleErrors, reportPackages } from './bundle-findings.ts'
import { checkBundle } from './check-bundle.ts'
import { reportPackageCode } from './package-code.ts'
import { describeHandler, type DescribedHandler } from './describe-handler.ts'
import type { AnalysisReply, AnalysisRequest } from './messages.ts'
import { checkTypes, createProgramOpener } from './check-types.ts'
import { createReporter, type Reporter } from './reporter.ts'

const decoder = new TextDecoder()

/** Analyses and bundles one upload. Runs in a process of its own. */
export async function analyze(request: AnalysisRequest): Promise<AnalysisReply> {
  try {
    return await analyzeUpload(request)
  } catch (error) {
    // Parsers recurse; source that is nested deeper than their stack is a limit, not a defect.
    if (error instanceof RangeError && /call stack/i.test(error.message)) return { kind: 'limit', reason: 'it is nested too deeply' }
    if (error instanceof HostRuleProblem) return { kind: 'rules', reason: error.message }
    if (error instanceof SourceLimit) return { kind: 'limit', reason: error.message }
    // A defect of a parser on unusual source is still about that source; the next upload is analysed as ever.
    return { kind: 'limit', reason: `the analyzer failed on it (${error instanceof Error ? error.message : String(error)})` }
  }
}

async function analyzeUpload(request: AnalysisRequest): Promise<AnalysisReply> {
  const reporter = createReporter(request.options.analyzer)
  const rules = [...ruleList, ...(await loadHostRules(request.options.analyzer))]
  const upload = createUploadTree(new Map(Object.entries(request.files)))
  const entry = findEntry(upload, request.entry)
  if (entry === undefined) return withoutEntry(request, reporter)
  const packages = createHostPackages(request.options.packages)
  const parser = createSourceParser()
  const bundled = await bundleBestFlavour({ upload, entry, parser }, packages)
  const own = [...bundled.sources].filter(([path]) => isFirstParty(path) && bundled.codeFiles.has(path))
  const parsed = parseSources(new Map(own.map(([path, bytes]) => [path, decodeSource(bytes)])), parser)
  const hasSyntaxErrors = reportSyntax(parsed, reporter)
  const source = parsed.files.find((file) => file.path === entry)
  const facts = readFacts(source, request)
  const files = parsed.files.map((file) => readFile(file, file === source, parsed))
  for (const file of files) checkRules(file, { rules, parsed, bundled, config: facts.config, reporter })
  const capabilities = collectCapabilities({ files, entry: source, config: facts.config, reporter })
  reportPackages(bundled, parsed, reporter)
  reportPackageCode(bundled, reporter)
  reportBundleErrors(bundled, { hasSyntaxErrors, parsed, reporter })
  const openProgram = createProgramOpener(entry, { upload, packages, parsed })
  const isDescribed = source !== undefined && !hasSyntaxErrors && facts.handler !== 'http'
  const { config } = facts
  const { schemas, validators, undescribed } = isDescribed ? describeHandler({ entry: source, openProgram, parsed, config, reporter }) : noSchemas
  if (!hasSyntaxErrors) checkTypes({ parsed, openProgram, reporter, undescribed, options: request.options.analyzer })
  const code = reporter.hasErrors() ? undefined : checkBundle(bundled, { entry, parsed, validators, reporter })
  const bundleText = code === undefined ? undefined : { code, sourceMap: wrapSourceMap(bundled.sourceMap, validators) }
  return {
    kind: 'analysis',
    readsHost: packages.isUsed(),
    bundle: bundleText,
    analysis: {
      ok: !reporter.hasErrors(),
      diagnostics: reporter.list(),
      manifest: { ...facts, ...capabilities, entry, builtins: bundled.builtins, packages: bundled.packages },
      uses: placeCapabilities({ files, entry: source }),
      schemas: withDescription(schemas, source),
    },
  }
}

const noSchemas: DescribedHandler = { schemas: {}, validators: undefined, undescribed: new Set() }

/** The build for Node of every package, or the one for workers or browsers where the former needs what functions do not have. */
async function bundleBestFlavour(input: Omit<BundleInput, 'resolver'>, packages: HostPackages): Promise<BundleResult> {
  const bundleFlavour = (flavour: PackageFlavour) => bundle({ ...input, resolver: createResolver(input.upload, packages, flavour) })
  const forNode = await bundleFlavour('node')
  if (!hasRefusedPackage(forNode)) return forNode
  for (const flavour of ['worker', 'browser'] as const) {
    const other = await bundleFlavour(flavour)
    if (other.code !== undefined && !hasRefusedPackage(other)) return other
  }
  return forNode
}

function hasRefusedPackage({ refused, included }: BundleResult): boolean {
  return refused.some(({ file }) => !isFirstParty(file) && included.has(file))
}

function withDescription(schemas: Schemas, entry: SourceText | undefined): Schemas {
  const description = entry === undefined ? undefined : describeHandlerComment(entry)
  return description === undefined ? schemas : { ...schemas, description }
}

/** A byte order mark is no part of the text, and esbuild leaves it out too. */
function decodeSource(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

function withoutEntry(request: AnalysisRequest, reporter: Reporter): AnalysisReply {
  const what = request.entry === undefined ? 'The upload has no entry file' : `The upload has no file "${request.entry}"`
  const remedy =
    request.entry === undefined
      ? 'Add index.ts (or .tsx, .mts, .js, .mjs, .cjs), or name the file with `entry`.'
      : 'Correct `entry`, or add the file.'
  reporter.add({ rule: 'entry', severity: 'fixed', message: `${what}. ${remedy}`, file: request.entry ?? '', text: '' })
  const config = resolveFunctionConfig(request.config)
  const capabilities = collectCapabilities({ files: [], entry: undefined, config, reporter })
  const manifest = { handler: 'unknown', entry: request.entry ?? '', config, builtins: [], packages: [], ...capabilities } as const
  return {
    kind: 'analysis',
    readsHost: false,
    bundle: undefined,
    analysis: { ok: false, diagnostics: reporter.list(), manifest, uses: [], schemas: {} },
  }
}

function reportSyntax(parsed: ParsedSources, reporter: Reporter): boolean {
  let found = false
  for (const file of parsed.files) {
    // One mistake often leads to others further down; the first few are the ones that help.
    for (const error of parsed.syntaxErrors(file).slice(0, 3)) {
      found = true
      const text = typeof error.messageText === 'string' ? error.messageText : error.messageText.messageText
      const message = `The code cannot be read: ${text.replace(/\.$/, '')}. Correct the syntax.`
      reporter.add({
        rule: 'syntax',
        severity: 'fixed',
        message,
        file: file.path,
        text: file.text,
        place: { start: error.start, length: error.length },
      })
    }
  }
  return found
}

/** What is known of one file before its rules are checked. */
interface FileFacts {
  readonly source: SourceText
  readonly isEntry: boolean
  readonly values: Values
  readonly references: readonly Reference[]
  readonly uses: readonly FoundUse[]
}

function readFile(source: SourceText, isEntry: boolean, { checker }: ParsedSources): FileFacts {
  const values = createValues(source, checker)
  const references = findReferences(source, values)
  const parameters = isEntry ? findHandlerParameters(source.ast) : {}
  return { source, isEntry, values, references, uses: findUses(source, { values, references, checker, parameters }) }
}

interface RuleSurroundings {
  readonly rules: readonly Rule[]
  readonly parsed: ParsedSources
  readonly bundled: BundleResult
  readonly config: ResolvedFunctionConfig
  readonly reporter: Reporter
}

function checkRules({ source, isEntry, values, references, uses }: FileFacts, { rules, parsed, bundled, config, reporter }: RuleSurroundings): void {
  const base = { file: source.path, text: source.text }
  if (isEntry && findDefaultExport(source.ast).kind === 'none') {
    const message = 'The entry file has no default export, so there is nothing to call. Write `export default` before the handler.'
    reporter.add({ ...base, rule: 'default-export', severity: 'fixed', message, place: { start: 0, length: 1 } })
  }
  const refused = bundled.refused.filter((one) => one.file === source.path)
  for (const rule of rules) {
    const report: RuleContext['report'] = (place, message) => {
      const where = 'kind' in place ? { start: place.getStart(source.ast), length: place.getWidth(source.ast) } : place
      reporter.add({ ...base, rule: rule.id, severity: rule.severity, message, place: where })
    }
    const context = { ts, source, isEntry, checker: parsed.checker, refused, values, references, uses, config, report }
    const failure = isHostRule(rule) ? attemptHostRule(rule, context) : rule.check(context)
    if (typeof failure === 'string') reporter.add({ ...base, rule: rule.id, severity: 'error', message: failure })
  }
}

function readFacts(source: SourceText | undefined, request: AnalysisRequest) {
  const values = source === undefined ? {} : readConfig(source).values
  const config = resolveFunctionConfig({ ...values, ...request.config })
  const found = source === undefined ? undefined : findDefaultExport(source.ast)
  const kind = found?.kind === 'local' ? handlerKind(found.value) : 'unknown'
  return { handler: kind === 'none' ? ('unknown' as const) : kind, config }
}

import { normaliseHost, secretsIn, type CapabilityUse, type Manifest, type ResolvedFunctionConfig } from '@cordon/contracts'
import { ts } from '@ts-morph/common'
import type { Reporter } from '../child/reporter.ts'
import { codeFrame, placeAt } from '../source/code-frame.ts'
import { findConfigExport } from '../source/exports.ts'
import type { SourceText } from '../source/source-text.ts'
import { propertyName, unwrap } from '../source/syntax.ts'
import { givenEnvironment, isName, maxNames, nameExamples, type NamedKind } from './capability-names.ts'
import type { FoundUse } from './find-uses.ts'

/** Most places that are shown: each costs a code frame, and nobody reads more. */
const maxPlaces = 100

/** The part of a manifest that says what a version may use. */
export type Capabilities = Pick<Manifest, 'database' | 'net' | 'secrets' | 'env' | 'functions'>

/** The uses of one file. */
export interface FileUses {
  readonly source: SourceText
  readonly uses: readonly FoundUse[]
}

/** What the capabilities of an upload are made from. */
export interface CapabilitySources {
  readonly files: readonly FileUses[]
  readonly entry: SourceText | undefined
  readonly config: ResolvedFunctionConfig
  readonly reporter: Reporter
}

/** Puts together what the code uses and what `config` names, and reports names that are none, and too many of them. */
export function collectCapabilities({ files, entry, config, reporter }: CapabilitySources): Capabilities {
  const found = files.flatMap(({ uses }) => uses)
  const nodes = entry === undefined ? undefined : configNodes(entry)

  function names(kind: NamedKind, key: 'net' | 'secrets' | 'env' | 'functions', given: readonly string[]): readonly string[] {
    const all = new Set(given)
    for (const use of found) if (use.kind === kind && use.name !== undefined) all.add(use.name)
    if (all.size > maxNames)
      reportKey(
        key,
        'manifest-limit',
        'fixed',
        `The function needs ${all.size} names under ${key}, and ${maxNames} are allowed. ${key === 'net' ? 'Declare "*.example.com" for all names below example.com, or split' : 'Split'} the function.`,
      )
    return [...all].toSorted().slice(0, maxNames)
  }

  function declared(kind: 'net' | 'secret' | 'function', key: 'net' | 'secrets' | 'functions'): string[] {
    return config[key].flatMap((given) => {
      const name = kind === 'net' ? normaliseHost(given) : given
      if (name !== undefined && isName(kind, name)) return [name]
      reportKey(
        key,
        'config-names',
        'error',
        `config.${key} has ${JSON.stringify(given.slice(0, 80))}, which it cannot hold. Write ${nameExamples[kind]}.`,
      )
      return []
    })
  }

  function reportKey(key: string, rule: string, severity: 'error' | 'fixed', message: string): void {
    const node = nodes?.get(key)
    const place = node === undefined || entry === undefined ? undefined : { start: node.getStart(entry.ast), length: node.getWidth(entry.ast) }
    reporter.add({ rule, severity, message, file: entry?.path ?? '', text: entry?.text ?? '', place })
  }

  const env = [...Object.keys(config.env), ...found.flatMap(({ kind, name }) => (kind === 'env' && name !== undefined ? [name] : []))]
  return {
    database: config.database ?? found.some(({ kind, name }) => kind === 'database' && name !== undefined),
    net: names('net', 'net', [...declared('net', 'net'), ...Object.keys(config.secretHeaders ?? {})]),
    secrets: names('secret', 'secrets', declared('secret', 'secrets')),
    env: names('env', 'env', env).filter((name) => !givenEnvironment.has(name) || Object.hasOwn(config.env, name)),
    functions: names('function', 'functions', declared('function', 'functions')),
  }
}

/** Where each capability was seen first: in the code, else in the literal `config`. */
export function placeCapabilities({ files, entry }: Pick<CapabilitySources, 'files' | 'entry'>): readonly CapabilityUse[] {
  const places = new Map<string, CapabilityUse>()
  const ordered = files.toSorted((a, b) => (a.source.path < b.source.path ? -1 : 1))
  for (const { source, uses } of ordered) for (const use of uses) note(use, source)
  if (entry !== undefined) for (const use of configUses(entry)) note(use, entry)
  return [...places].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, use]) => use)

  function note({ kind, name, sentTo, node }: FoundUse, { ast, path, text }: SourceText): void {
    const key = `${kind} ${name ?? ''} ${sentTo ?? ''}`
    if (kind === 'env' || name === undefined || places.has(key) || places.size >= maxPlaces) return
    if (kind !== 'database' && !isName(kind, name)) return
    const place = placeAt(text, node.getStart(ast))
    const right = sentTo === undefined ? { kind, name } : { kind, name, sentTo }
    places.set(key, { ...right, file: path, ...place, frame: codeFrame(text, place, node.getWidth(ast)) })
  }
}

/** The values of the literal `config`, by key. */
function configNodes(source: SourceText): Map<string, ts.Expression> {
  const found = findConfigExport(source.ast)?.value
  return new Map(propertiesOf(found === undefined ? undefined : unwrap(found)).map(([name, value]) => [name, value]))
}

/** What an object literal gives by name. */
function propertiesOf(object: ts.Expression | undefined): (readonly [name: string, value: ts.Expression, node: ts.Node])[] {
  if (object === undefined || !ts.isObjectLiteralExpression(object)) return []
  return object.properties.flatMap((one) => {
    const name = one.name === undefined ? undefined : propertyName(one.name)
    return ts.isPropertyAssignment(one) && name !== undefined ? [[name, unwrap(one.initializer), one.name] as const] : []
  })
}

function configUses(source: SourceText): FoundUse[] {
  const nodes = configNodes(source)
  const lists = [
    ['net', 'net'],
    ['secrets', 'secret'],
    ['functions', 'function'],
  ] as const
  const database = nodes.get('database')
  return [
    ...(database === undefined ? [] : [{ kind: 'database', name: 'ctx.db', node: database } as const]),
    ...lists.flatMap(([key, kind]) => {
      const list = nodes.get(key)
      const elements = list !== undefined && ts.isArrayLiteralExpression(list) ? list.elements : []
      return elements.flatMap((node) =>
        ts.isStringLiteralLike(node) ? [{ kind, name: kind === 'net' ? normaliseHost(node.text) : node.text, node }] : [],
      )
    }),
    ...secretHeaderUses(nodes.get('secretHeaders')),
  ]
}

/** The hosts of `secretHeaders`, and the secrets that are sent to them. */
function secretHeaderUses(hosts: ts.Expression | undefined): FoundUse[] {
  return propertiesOf(hosts).flatMap(([given, headers, node]) => {
    const host = normaliseHost(given)
    if (host === undefined) return []
    const secrets = propertiesOf(headers).flatMap(([, value]) => {
      const names = ts.isStringLiteralLike(value) ? secretsIn(value.text) : undefined
      return (names ?? []).map((name): FoundUse => ({ kind: 'secret', name, sentTo: host, node: value }))
    })
    return [{ kind: 'net', name: host, node }, ...secrets]
  })
}

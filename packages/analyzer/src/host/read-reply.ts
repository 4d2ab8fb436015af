import { createHash } from 'node:crypto'
import {
  isRecord,
  PlatformError,
  resolveFunctionConfig,
  type Analysis,
  type Bundle,
  type CapabilityUse,
  type Diagnostic,
  type Manifest,
  type Schemas,
} from '@cordon/contracts'
import { isName, maxNames, type NamedKind } from '../manifest/capability-names.ts'
import { tooLarge } from './upload-limits.ts'

/**
 * Turns what an analyzer process sent into an analysis: named fields are copied, anything else is left behind, and what does
 * not fit fails the analysis. The process read hostile source, so its word is not taken.
 *
 * @throws PlatformError ANALYSIS_LIMIT
 */
export function readReply(reply: unknown): Analysis {
  if (!isRecord(reply)) throw broken('no object')
  if (reply['kind'] === 'limit') throw tooLarge(text(reply['reason'], 'reason'))
  if (reply['kind'] === 'rules')
    throw new PlatformError('INVALID_OPTION', `Cannot use the rules of the host: ${text(reply['reason'], 'reason')}`, {
      details: { option: 'analyzer' },
    })
  const analysis = record(reply['analysis'], 'analysis')
  const diagnostics = list(analysis['diagnostics'], 'diagnostics').map(readDiagnostic)
  const bundle = reply['bundle'] === undefined ? undefined : readBundle(record(reply['bundle'], 'bundle'))
  // Decided here: code that has an error is never handed on, whatever the process says.
  const ok = analysis['ok'] === true && bundle !== undefined && diagnostics.every((one) => one.severity !== 'error')
  const result = {
    ok,
    diagnostics,
    manifest: readManifest(record(analysis['manifest'], 'manifest')),
    uses: list(analysis['uses'], 'uses').map(readUse),
    schemas: readSchemas(record(analysis['schemas'], 'schemas')),
  }
  return ok ? { ...result, bundle } : result
}

/** Whether the same upload would get the same answer: packages of the host may change at any time. */
export function isRepeatable(reply: unknown): boolean {
  return isRecord(reply) && reply['kind'] === 'analysis' && reply['readsHost'] === false
}

function readBundle(value: Record<string, unknown>): Bundle {
  const code = text(value['code'], 'code')
  return { code, sourceMap: text(value['sourceMap'], 'sourceMap'), hash: createHash('sha256').update(code).digest('hex') }
}

function readDiagnostic(value: unknown): Diagnostic {
  const one = record(value, 'diagnostic')
  return {
    rule: text(one['rule'], 'rule'),
    severity: one['severity'] === 'warn' ? 'warn' : 'error',
    message: text(one['message'], 'message'),
    file: text(one['file'], 'file'),
    line: count(one['line'], 'line'),
    column: count(one['column'], 'column'),
    frame: text(one['frame'], 'frame'),
  }
}

function readManifest(value: Record<string, unknown>): Manifest {
  const handler = value['handler']
  return {
    handler: handler === 'json' || handler === 'http' ? handler : 'unknown',
    entry: text(value['entry'], 'entry'),
    config: resolveFunctionConfig(value['config']),
    builtins: list(value['builtins'], 'builtins').map((one) => text(one, 'builtin')),
    packages: list(value['packages'], 'packages').map((one) => {
      const found = record(one, 'package')
      return { name: text(found['name'], 'name'), version: text(found['version'], 'version') }
    }),
    database: value['database'] === true,
    net: readNames(value['net'], 'net'),
    secrets: readNames(value['secrets'], 'secret'),
    env: readNames(value['env'], 'env'),
    functions: readNames(value['functions'], 'function'),
  }
}

function readNames(value: unknown, kind: NamedKind): string[] {
  const names = list(value, kind).map((one) => text(one, kind))
  if (names.length > maxNames || !names.every((one) => isName(kind, one))) throw broken(kind)
  return [...new Set(names)].toSorted()
}

const capabilityKinds = ['database', 'net', 'secret', 'function', 'package'] as const

function readUse(value: unknown): CapabilityUse {
  const one = record(value, 'use')
  const kind = capabilityKinds.find((known) => known === one['kind'])
  if (kind === undefined) throw broken('kind')
  const { name, sentTo, file, line, column, frame } = one
  return {
    kind,
    name: text(name, 'name'),
    ...(sentTo === undefined ? {} : { sentTo: text(sentTo, 'sentTo') }),
    file: text(file, 'file'),
    line: count(line, 'line'),
    column: count(column, 'column'),
    frame: text(frame, 'frame'),
  }
}

function readSchemas(value: Record<string, unknown>): Schemas {
  const { input, output, inputOptional, outputOptional, description } = value
  return {
    ...(isRecord(input) ? { input } : {}),
    ...(isRecord(output) ? { output } : {}),
    ...(inputOptional === true ? { inputOptional } : {}),
    ...(outputOptional === true ? { outputOptional } : {}),
    ...(typeof description === 'string' ? { description } : {}),
  }
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (!isRecord(value)) throw broken(what)
  return value
}

function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw broken(what)
  return value
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw broken(what)
  return value
}

function count(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw broken(what)
  return value
}

function broken(what: string): PlatformError {
  return new PlatformError('ANALYSIS_LIMIT', `Cannot analyse the upload: the answer of the analyzer process is malformed (${what})`)
}

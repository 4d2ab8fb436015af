import type { CapabilityUse } from './capability.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { FunctionConfig, ResolvedFunctionConfig } from './function-config.ts'
import type { AnalyzerOptions, PackageOptions } from './options/platform-options.ts'

/** The files of a deployment, by path inside the upload (relative, forward slashes, no `..`). */
export interface Upload {
  readonly files: Readonly<Record<string, Uint8Array>>
  /** Path of the entry file; else `package.json#main`, else `index.{ts,tsx,mts,js,mjs,cjs}`. */
  readonly entry?: string | undefined
  /** Replaces keys of the `config` literal. */
  readonly config?: FunctionConfig | undefined
}

/**
 * What a version declares and the analyzer found: what it may use once it is deployed, limits in `config` included. All lists are sorted,
 * each name once.
 */
export interface Manifest {
  /** What the code looks like; the loaded value decides in the end. */
  readonly handler: 'json' | 'http' | 'unknown'
  readonly entry: string
  readonly config: ResolvedFunctionConfig
  /** Node built-ins the bundle uses, without `node:`. */
  readonly builtins: readonly string[]
  /** npm packages inside the bundle. */
  readonly packages: readonly { readonly name: string; readonly version: string }[]
  /** Whether `ctx.db` is granted. */
  readonly database: boolean
  /** Network hosts that `config.net` names, or a URL in the code: `api.example.com`, `localhost:8080`, `*.example.com`, `*`. */
  readonly net: readonly string[]
  /** Names of the secrets that `config.secrets` names, or the code reads. */
  readonly secrets: readonly string[]
  /** Names of the environment values that `config.env` sets, or the code reads; only those of `config.env` have a value. */
  readonly env: readonly string[]
  /** Names of the functions that `config.functions` names, or the code calls. */
  readonly functions: readonly string[]
}

/** What the code says about a handler: JSON Schemas (draft 2020-12), of which a missing one means that side is not validated, and its documentation. */
export interface Schemas {
  readonly input?: Readonly<Record<string, unknown>>
  readonly output?: Readonly<Record<string, unknown>>
  /** True when the handler may be called without an input. */
  readonly inputOptional?: boolean
  /** True when the handler may return nothing. */
  readonly outputOptional?: boolean
  /** Text of the doc comment with the marker, in Markdown; at most 1000 characters. */
  readonly description?: string
}

/**
 * Code as a sandbox loads it. `code` is the text of a classic script whose completion value is
 * `async function (builtin, handOver, importMetaUrl, setValidators)`: `builtin(name)` gives a Node built-in (`name` without `node:`),
 * `handOver(namespace)` receives the module namespace of the entry file, and `setValidators(validators)` is called before anything
 * else when the handler has schemas. Top-level await works; no import or export syntax is left.
 */
export interface Bundle {
  readonly code: string
  /** Source map (version 3, JSON) from `code` to the files of the upload, which it embeds. */
  readonly sourceMap: string
  /** SHA-256 of `code` in hex. */
  readonly hash: string
}

/** The result of an analysis. `bundle` is there when `ok` is true. */
export interface Analysis {
  readonly ok: boolean
  readonly diagnostics: readonly Diagnostic[]
  readonly manifest: Manifest
  /** Where the capabilities of the manifest were seen, for diagnostics; those of packages inside packages are missing. */
  readonly uses: readonly CapabilityUse[]
  readonly schemas: Schemas
  readonly bundle?: Bundle | undefined
}

/** Options of one analysis. */
export interface AnalyzeOptions {
  readonly packages: PackageOptions
  readonly analyzer: AnalyzerOptions
}

/** Source text -> analysis and bundle. Runs in processes of its own: hostile source is hostile input. */
export interface Analyzer {
  /**
   * Never rejects because of bad code: that is `ok: false` with diagnostics.
   *
   * @throws PlatformError ANALYSIS_LIMIT when the upload is too large or took too much time or memory, CLOSED
   */
  analyze(upload: Upload, options: AnalyzeOptions): Promise<Analysis>
  /** Starts an analyzer process, so that the first analysis is fast. */
  warm(): Promise<void>
  close(): Promise<void>
  destroy(): Promise<void>
}

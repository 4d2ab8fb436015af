import type { RuleSeverity } from '../diagnostic.ts'
import type { Logger } from '../logger.ts'
import { allowTable, type AllowOptions, type AllowRules, type AllowedLimits } from './allow.ts'
import { choice, flag, group, invalidOption, isRecord, optional, text, textList, type OptionRow, type OptionTable } from './check.ts'
import { hostRuleId, ruleIds } from '../rule-ids.ts'
import { databaseTable, type DatabaseOptions } from './database.ts'
import { limitTable, type Limits } from './limits.ts'
import { backupTable, type BackupOptions } from './backup-options.ts'
import { httpTable, type HttpInput, type HttpOptions } from './http.ts'
import { logTable, type LogOptions } from './log-options.ts'
import { metricsTable, type MetricsOptions } from './metrics-options.ts'
import { netTable, type NetOptions } from './net.ts'
import { recordTable, type RecordOptions } from './record-options.ts'
import { secretsKey } from './secrets-key.ts'
import { schedulingTable, type SchedulingOptions } from './scheduling.ts'

/** Which npm packages an upload may import without carrying them. */
export interface PackageOptions {
  /** Directory from which allowed packages are resolved. @default the working directory */
  readonly from: string
  /** Names of the allowed packages. @default none */
  readonly allow: readonly string[]
}

/** How strict the analyzer is. */
export interface AnalyzerOptions {
  /** When `false`, every rule is only a warning. @default true */
  readonly enforce: boolean
  /** Severity by rule id. @default the severity of each rule */
  readonly rules: Readonly<Record<string, RuleSeverity>>
  /** Modules with rules of the host's own, each an absolute path or a `file:` URL; `docs/guides/rules.md` says what they export. @default none */
  readonly ruleModules: readonly string[]
}

/** Who calls: what `authenticate` found out about a request. */
export interface Caller {
  /** Id of the tenant on whose behalf the call is made. @default 'default' */
  readonly tenant?: string
  /** The signed-in user; reaches the function as `ctx.user`. */
  readonly user?: User
}

/** The user on whose behalf a function is called. */
export interface User {
  readonly id: string
  readonly [claim: string]: unknown
}

/** Finds out who sent a request; `null` is a stranger: UNAUTHENTICATED on `/api` and for functions with access 'authenticated'. */
export type Authenticate = (request: Request) => Caller | null | Promise<Caller | null>

/** All options of `createPlatform`, complete. */
export interface ResolvedPlatformOptions {
  /** Directory of the embedded database and of the platform's own files. @default './.cordon' */
  readonly dataDir: string
  /** `postgres://…` of a server to use instead of the embedded database. It may hold a password, so `platform.options` does not show it. */
  readonly databaseUrl: string | undefined
  /** Where a new tenant's tables live: in a schema of a database that all tenants share, or in a database of its own. @default 'schema' */
  readonly tenancy: 'schema' | 'database'
  /** How much of the function database functions may use. */
  readonly database: DatabaseOptions
  /** What holds a function apart from the host: an operating-system process, or a thread, which is no wall and only for functions that the host itself ships. @default 'process' */
  readonly isolation: 'process' | 'thread'
  /** `required` refuses to start below the strongest sandbox level. @default 'required' when NODE_ENV is production, else 'best-effort' */
  readonly hardening: 'required' | 'best-effort'
  /** Cores that sandboxes may use, by number. Only the `launcher` level holds them there; `stats().sandbox` says whether it does. @default all */
  readonly cpus: readonly number[] | undefined
  /** Which npm packages an upload may import without carrying them. */
  readonly packages: PackageOptions
  /** What every function may use at most. */
  readonly limits: Limits
  /** What functions may do with `fetch`, beside the hosts that their manifests name. */
  readonly net: NetOptions
  /** What the HTTP API does, whatever server it is mounted in. */
  readonly http: HttpOptions
  /** What the platform writes about itself. */
  readonly log: LogOptions
  /** What the host tells Prometheus. */
  readonly metrics: MetricsOptions
  /** How the calls of all functions share the host. */
  readonly scheduling: SchedulingOptions
  /** What becomes of the records of invocations. */
  readonly records: RecordOptions
  /** Backups that the platform makes by itself. */
  readonly backup: BackupOptions
  /** How strict the analyzer is. */
  readonly analyzer: AnalyzerOptions
  /** What functions may be granted at deployment. */
  readonly allow: AllowOptions
  /**
   * 32 bytes as 64 hexadecimal digits or base64 that encrypt secrets, or a list: the first encrypts, the others are of before. All hosts on one database need
   * the same. `platform.options` does not show it. @default a file `secrets.key` in `dataDir`, made when the first secret is set
   */
  readonly secretsKey: readonly string[] | undefined
  /** Receives the platform's own messages. @default lines on stderr, as the option `log` says */
  readonly logger: Logger | undefined
  /** Finds out who sent an HTTP request. @default none: the host's own middleware stands in front */
  readonly authenticate: Authenticate | undefined
}

/** What a caller gives: any part of the options. */
export interface PlatformOptions {
  readonly dataDir?: string | undefined
  readonly databaseUrl?: string | undefined
  readonly tenancy?: 'schema' | 'database' | undefined
  readonly database?: Partial<DatabaseOptions> | undefined
  readonly isolation?: 'process' | 'thread' | undefined
  readonly hardening?: 'required' | 'best-effort' | undefined
  readonly cpus?: readonly number[] | undefined
  readonly packages?: Partial<PackageOptions> | undefined
  readonly limits?: Partial<Limits> | undefined
  readonly net?: Partial<NetOptions> | undefined
  readonly http?: HttpInput | undefined
  readonly log?: Partial<LogOptions> | undefined
  readonly metrics?: Partial<MetricsOptions> | undefined
  readonly scheduling?: Partial<SchedulingOptions> | undefined
  readonly records?: Partial<RecordOptions> | undefined
  readonly backup?: Partial<BackupOptions> | undefined
  readonly analyzer?: Partial<AnalyzerOptions> | undefined
  readonly allow?: AllowInput | undefined
  readonly secretsKey?: string | readonly string[] | undefined
  readonly logger?: Logger | undefined
  readonly authenticate?: Authenticate | undefined
}

/** The option `allow` as a caller gives it. */
type AllowInput = Partial<
  Omit<AllowOptions, 'limits' | 'tenants'> & AllowRulesInput & { readonly tenants: Readonly<Record<string, AllowRulesInput>> }
>
type AllowRulesInput = Partial<Omit<AllowRules, 'limits'> & { readonly limits: Partial<AllowedLimits> }>

/** Highest core that can be named: the launcher takes a mask of 63 bits. */
const maxCpu = 62

/** What the table needs to know of its surroundings: this package itself reads neither the environment nor the disk. */
export interface OptionSurroundings {
  readonly workingDirectory: string
  readonly isProduction: boolean
}

/** The option table of `createPlatform`: the only place where its defaults and checks are written. */
export function platformOptionTable(around: OptionSurroundings): OptionTable<ResolvedPlatformOptions> {
  return {
    dataDir: text('./.cordon'),
    databaseUrl: databaseUrl(),
    tenancy: choice(['schema', 'database'], () => 'schema'),
    database: group(databaseTable),
    isolation: choice(['process', 'thread'], () => 'process'),
    hardening: choice(['required', 'best-effort'], () => (around.isProduction ? 'required' : 'best-effort')),
    cpus: cpuList(),
    packages: group<PackageOptions>({ from: text(around.workingDirectory), allow: textList([]) }),
    limits: group(limitTable),
    net: group(netTable),
    http: group(httpTable(around.isProduction)),
    log: group(logTable),
    metrics: group(metricsTable),
    scheduling: group(schedulingTable),
    records: group(recordTable),
    backup: group(backupTable),
    analyzer: group<AnalyzerOptions>({ enforce: flag(true), rules: ruleSeverities(), ruleModules: moduleList() }),
    allow: group(allowTable),
    secretsKey: secretsKey(),
    logger: optional('an object with the methods debug, info, warn and error', isLogger),
    authenticate: optional('a function', (value): value is Authenticate => typeof value === 'function'),
  }
}

/** A list of cores by number, sorted, each once. */
export function cpuList(): OptionRow<readonly number[] | undefined> {
  return {
    default: () => undefined,
    form: 'integers',
    parse(value, path) {
      // A copy: `every` would not see the holes of a list.
      const cpus: readonly unknown[] = Array.isArray(value) ? [...value] : []
      if (cpus.length > 0 && cpus.every(isCpu)) return Object.freeze([...new Set(cpus)].sort((a, b) => a - b))
      throw invalidOption(path, `a list of core numbers from 0 to ${maxCpu}`, value)
    },
  }
}

function isCpu(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxCpu
}

function databaseUrl(): OptionRow<string | undefined> {
  return {
    default: () => undefined,
    form: 'text',
    isSecret: true,
    parse(value, path) {
      if (typeof value === 'string' && /^postgres(ql)?:\/\//.test(value)) return value
      // The value may hold a password: it is not repeated.
      throw invalidOption(path, 'a URL that starts with postgres:// or postgresql://', `a ${typeof value} that does not`)
    },
  }
}

function ruleSeverities(): OptionRow<Readonly<Record<string, RuleSeverity>>> {
  return {
    default: () => Object.freeze({}),
    form: 'json',
    parse(value, path) {
      if (!isRecord(value)) throw invalidOption(path, 'an object from rule id to severity', value)
      const rules: Record<string, RuleSeverity> = {}
      for (const [id, severity] of Object.entries(value)) {
        // Whether a host's rule exists is known when its module is loaded.
        if (!ruleIds.includes(id) && !hostRuleId.test(id)) throw invalidOption(`${path}.${id}`, `the id of a rule, one of ${ruleIds.join(', ')}`, id)
        if (severity !== 'error' && severity !== 'warn' && severity !== 'off') {
          throw invalidOption(`${path}.${id}`, "one of 'error', 'warn', 'off'", severity)
        }
        rules[id] = severity
      }
      return Object.freeze(rules)
    },
  }
}

/** Absolute paths (POSIX, or Windows with a drive) and `file:` URLs: a relative one would depend on who reads it. */
function moduleList(): OptionRow<readonly string[]> {
  const row = textList([])
  return {
    default: row.default,
    parse(value, path) {
      const modules = row.parse(value, path)
      const wrong = modules.find((one) => !/^(?:\/|[A-Za-z]:[\\/]|file:\/\/)/.test(one))
      if (wrong !== undefined) throw invalidOption(path, 'absolute paths or file: URLs of modules', wrong)
      return modules
    },
  }
}

function isLogger(value: unknown): value is Logger {
  return isRecord(value) && ['debug', 'info', 'warn', 'error'].every((level) => typeof value[level] === 'function')
}

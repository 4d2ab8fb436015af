export { errorTable, type ErrorCode, type ErrorOrigin } from './errors/table.ts'
export { PlatformError, reasonOf, toPlatformError, type PlatformErrorOptions } from './errors/platform-error.ts'
export {
  choice,
  flag,
  group,
  integer,
  invalidOption,
  isRecord,
  optional,
  readGiven,
  resolveOptions,
  text,
  textList,
  type OptionForm,
  type OptionRow,
  type OptionRows,
  type OptionTable,
} from './options/check.ts'
export { hostRuleId, ruleIds } from './rule-ids.ts'
export { functionName, secretName } from './names.ts'
export { JsonScanner } from './json-scanner.ts'
export { allowTable, type AllowOptions, type AllowRules, type AllowedLimits, type ApprovalRequest, type Approve } from './options/allow.ts'
export { databaseTable, type DatabaseOptions } from './options/database.ts'
export { limitTable, type Limits } from './options/limits.ts'
export { listOptions, type ListedOption } from './options/list-options.ts'
export { backupTable, type BackupOptions } from './options/backup-options.ts'
export { recordTable, type RecordOptions } from './options/record-options.ts'
export { httpTable, type CorsOptions, type HttpInput, type HttpOptions, type RateLimitOptions } from './options/http.ts'
export { logTable, type LogOptions } from './options/log-options.ts'
export { metricsTable, type MetricsOptions } from './options/metrics-options.ts'
export { netTable, type NetOptions } from './options/net.ts'
export { schedulingTable, type SchedulingOptions } from './options/scheduling.ts'
export {
  cpuList,
  platformOptionTable,
  type AnalyzerOptions,
  type Authenticate,
  type Caller,
  type OptionSurroundings,
  type PackageOptions,
  type PlatformOptions,
  type ResolvedPlatformOptions,
  type User,
} from './options/platform-options.ts'
export {
  functionConfigTable,
  reservedEnvironmentName,
  resolveFunctionConfig,
  type Access,
  type FunctionConfig,
  type ResolvedFunctionConfig,
} from './function-config.ts'
export type { Logger } from './logger.ts'
export { normaliseHost } from './host-name.ts'
export type { Capability, CapabilityChange, CapabilityUse } from './capability.ts'
export type { Diagnostic, RuleSeverity } from './diagnostic.ts'
export type { Analysis, AnalyzeOptions, Analyzer, Bundle, Manifest, Schemas, Upload } from './analysis.ts'
export { connectionHeader, headerName, headerValue } from './http-header.ts'
export { fillSecrets, secretsIn, type SecretHeaders } from './secret-headers.ts'
export {
  nothingUsed,
  type InvocationRecord,
  type LogEntry,
  type LogLevel,
  type Measures,
  type OutcomeKind,
  type Page,
  type StoredLogEntry,
  type UsedCapabilities,
} from './records.ts'
export type { DeploymentInfo, SecretInfo, TenantExportItem, TenantInfo } from './tenants.ts'
export { parseTraceParent, type TraceParent } from './trace-context.ts'
export type { UsageDay, UsageQuery } from './usage.ts'
export type { BatchStatement, Context, ContextDatabase, ContextLog, ContextRequest, CursorOptions, Queryable, QueryResult } from './context.ts'
export type {
  Capabilities,
  ExecutableVersion,
  Executor,
  ExecutorStats,
  HttpExchange,
  HttpInvocation,
  HttpResponse,
  InvocationOptions,
  JsonInvocation,
  Outcome,
  SandboxEvent,
  SandboxReport,
} from './execution.ts'
export type { Issue, SideValidator, ValidatorError, Validators } from './validators.ts'
export type { Reaper } from './reaper.ts'
export type {
  DatabaseCaller,
  DatabaseSession,
  FunctionDatabase,
  Migration,
  MigrationOutcome,
  MigrationRequest,
  FunctionDatabaseStats,
  PoolStats,
  RawCursorPage,
  RawQueryResult,
  RawStatement,
  SlowQuery,
  TenantPoolStats,
  Times,
} from './function-database.ts'
export type {
  AnalyzeResult,
  Deployment,
  DeployResult,
  FetchOptions,
  FunctionDetails,
  FunctionInfo,
  InvocationQuery,
  InvokeJsonResult,
  InvokeOptions,
  InvokeResult,
  LogQuery,
  Platform,
  PlatformEvents,
  PlatformHealth,
  PlatformStats,
  UploadSource,
  VersionInfo,
} from './platform.ts'
export {
  decodeResult,
  decodeRows,
  decodeValues,
  encodePage,
  encodeResult,
  encodeValues,
  type WirePage,
  type WireResult,
  type WireValue,
} from './database-wire.ts'

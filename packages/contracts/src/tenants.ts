import type { Capability } from './capability.ts'

/** A tenant that has anything in the store. */
export interface TenantInfo {
  readonly id: string
  /** When it first had anything, in milliseconds since 1970. */
  readonly createdAt: number
  /** How many functions it has. */
  readonly functions: number
}

/** A secret, without its value. */
export interface SecretInfo {
  readonly name: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** When its value was set last. */
  readonly updatedAt: number
}

/** What became live when, by whom, and what it was granted. */
export interface DeploymentInfo {
  readonly version: string
  readonly kind: 'deploy' | 'rollback'
  readonly label: string | null
  /** Id of the user who did it, if it was said. */
  readonly userId?: string
  /** What the version was granted. */
  readonly capabilities: readonly Capability[]
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/**
 * One part of what a tenant has, as `tenants.export` gives it: the kind says which table of the store, `row` holds its columns. Of kind `database` are
 * the parts of its function database: tables, rows, sequences and definitions.
 */
export interface TenantExportItem {
  readonly kind: 'tenant' | 'user' | 'function' | 'version' | 'deployment' | 'secret' | 'usage' | 'invocation' | 'log' | 'database'
  /** Plain data as JSON has it; bytes as base64, numbers that a double cannot hold as text. */
  readonly row: Readonly<Record<string, unknown>>
}

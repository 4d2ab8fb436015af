import type { ts } from '@ts-morph/common'
import type { ResolvedFunctionConfig } from '@cordon/contracts'
import type { RefusedImport } from '../bundle/bundle.ts'
import type { FoundUse } from '../manifest/find-uses.ts'
import type { ParsedSources, SourceText } from '../source/source-text.ts'
import type { Values } from '../values/evaluate.ts'
import type { Reference } from '../values/references.ts'

/** What a rule sees of one file. */
export interface RuleContext {
  /** The compiler whose nodes these are, for rules of hosts: one of another version would not know them. */
  readonly ts: typeof ts
  readonly source: SourceText
  /** Whether this is the file that exports the handler. */
  readonly isEntry: boolean
  readonly checker: ParsedSources['checker']
  /** The imports of this file that lead nowhere a function may go. */
  readonly refused: readonly RefusedImport[]
  /** What is known about the values of expressions. */
  readonly values: Values
  /** Every place where the file takes hold of something global or of a constructor. */
  readonly references: readonly Reference[]
  /** What the file uses of its context, its environment and the network. */
  readonly uses: readonly FoundUse[]
  /** The configuration of the function, of which `config` of the deployment is a part. */
  readonly config: ResolvedFunctionConfig
  /** Reports a finding: one sentence what is wrong, one what to do. */
  report(place: ts.Node | { readonly start: number; readonly length: number }, message: string): void
}

/** One rule of the analyzer. Every rule is a file of this shape, with examples of what it accepts and refuses as its test. */
export interface Rule {
  readonly id: string
  /** How it counts unless the host says otherwise. */
  readonly severity: 'error' | 'warn'
  /** One line for the reference. */
  readonly summary: string
  /** Looks at one file that the user wrote. */
  check(context: RuleContext): void
}

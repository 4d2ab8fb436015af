import type { AnalyzeOptions, Analysis } from '@cordon/contracts'

/** What the host asks an analyzer process. */
export interface AnalysisRequest {
  readonly files: Readonly<Record<string, Uint8Array>>
  readonly entry: string | undefined
  /** The caller's configuration, already checked; its keys replace those of the literal. */
  readonly config: Readonly<Record<string, unknown>>
  readonly options: AnalyzeOptions
}

/** What an analyzer process answers. The host believes none of it before it has checked its shape. */
export type AnalysisReply =
  | {
      readonly kind: 'analysis'
      readonly analysis: Omit<Analysis, 'bundle'>
      /** Whether packages of the host were looked for. */
      readonly readsHost: boolean
      readonly bundle: { readonly code: string; readonly sourceMap: string } | undefined
    }
  /** The source is too complex, for example nested deeper than a parser can follow. */
  | { readonly kind: 'limit'; readonly reason: string }
  /** The host's own rules cannot be used. */
  | { readonly kind: 'rules'; readonly reason: string }

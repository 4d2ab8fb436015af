import {
  integer,
  invalidOption,
  optional,
  type Authenticate,
  type HttpInput,
  type HttpOptions,
  type OptionTable,
  type Platform,
} from '@cordon/contracts'
import { httpRow } from './guard/http-options.ts'

/** Options of `createHandler` and of the framework entries. */
export interface HandlerOptions {
  /** Path under which the handler is mounted, for hosts that do not strip it: `/cordon`. @default '' */
  readonly basePath?: string | undefined
  /** Finds out who sent a request. @default the platform's own `authenticate` option */
  readonly authenticate?: Authenticate | undefined
  /** Largest deploy request in bytes: an upload may carry packages, so it may be larger than the payload of a call. @default 32000000 */
  readonly uploadBytes?: number | undefined
  /** Other origins, rates, headers, documents; what is not given here is as in the platform's own option `http`. @default the platform's own */
  readonly http?: HttpInput | undefined
}

/** 32 MB: a bundle of a dozen ordinary packages is below 5 MB; beyond this an upload holds something else. */
const defaultUploadBytes = 32_000_000
const maxUploadBytes = 1_000_000_000

/** The options of a handler, complete. */
export interface ResolvedHandlerOptions {
  readonly basePath: string
  readonly authenticate: Authenticate | undefined
  readonly uploadBytes: number
  readonly http: HttpOptions
}

/** Defaults and checks of the options of a handler. */
export function handlerOptionTable(platform: Platform): OptionTable<ResolvedHandlerOptions> {
  return {
    basePath: {
      default: () => '',
      parse(value, path) {
        if (typeof value === 'string' && /^(\/[^/?#]+)*$/.test(value)) return value
        throw invalidOption(path, "a path such as '/cordon', without a slash at the end", value)
      },
    },
    authenticate: optional('a function', (value): value is Authenticate => typeof value === 'function'),
    uploadBytes: integer(defaultUploadBytes, { min: 0, max: maxUploadBytes }),
    http: httpRow(platform.options.http),
  }
}

/**
 * The frame protocol between host and sandbox, both ends. A frame is `u32 length, u8 type, u32 id, payload`, little
 * endian; `length` counts the payload only. `id` is the number of the call it belongs to, 0 for the sandbox itself.
 */

/** Bytes in front of a payload. */
export const headerBytes = 9
/** So many frames that start or end calls share a write at most: the other end can begin with them while this one makes more. */
export const maxFramesPerWrite = 32

/** Frames from the host to the sandbox. */
export const toSandbox = {
  /** u32 length of the head, JSON `LoadHead`, V8 code cache, bundle code. */
  load: 1,
  /** JSON `CallHead`, line feed, JSON input (empty: no input). */
  invoke: 2,
  /** JSON `CallHead`, line feed, JSON `RequestHead`. The body follows as `body` frames. */
  fetch: 3,
  /** A piece of a body. */
  body: 4,
  bodyEnd: 5,
  /** The body will not be completed; UTF-8 reason. */
  bodyError: 6,
  /** u32: so many more bytes of the response body may be sent. */
  credit: 7,
  /** u32 number of the host call, u8 0 answer / 1 error, JSON. */
  reply: 8,
  /** The caller cancelled the call. */
  cancel: 9,
  /** Nobody wants the rest of the response body. */
  bodyCancel: 10,
  /** The version that comes may be an HTTP function. Only before `load`. */
  warmUp: 11,
  /** Bundle code, to be compiled and never run. Instead of `load`. */
  compile: 12,
} as const

/** Frames from the sandbox to the host. */
export const toHost = {
  /** The runtime is up. */
  ready: 32,
  /** u32 CPU time in microseconds, then `json` or `http`. */
  loaded: 33,
  /** JSON `FailureHead`: the code could not be loaded. */
  loadFailed: 34,
  /** u32 CPU time in microseconds, then the JSON output; empty means no output. Ends the call. */
  result: 35,
  /** u32 CPU time in microseconds, then JSON `FailureHead`. Ends the call. */
  failure: 36,
  /** JSON `ResponseHead`. */
  head: 37,
  body: 38,
  bodyEnd: 39,
  bodyError: 40,
  /** u32: so many more bytes of the request body may be sent. */
  credit: 41,
  /** u32 number of the host call, method, line feed, JSON argument. */
  call: 42,
  /**
   * u8 index into `logLevels`, u8 bytes of the places, u32 bytes of the message, places (`line:column` in the code, separated by
   * commas, nearest first; may be empty), message, JSON fields (may be empty).
   */
  log: 43,
  /** Log bytes that the sandbox dropped itself, as decimal text. */
  logDropped: 44,
  /** Nobody reads the rest of the request body. */
  bodyCancel: 45,
  /** V8 code cache. */
  compiled: 46,
} as const

/**
 * How a runtime ends by itself after its first call, when nothing runs in it: no call that it has read is unfinished, and all it had to say is in the pipe.
 * A number that Node does not use (its own end at 13) and that functions cannot end with.
 */
export const idleExitCode = 86
/** How a runtime ends that was asked for exit code 1, or for one of these two: with 1 native code ends the process that gets no memory (the encoder of brotli). */
export const plainExitCode = 87

/** Order of the levels in a log frame. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const

/** Bytes of a body that may be under way without having been asked for again, each direction. */
export const bodyWindowBytes = 262_144
/** Largest piece of a body in one frame. */
export const maxBodyFrameBytes = 65_536
/** Log bytes that a runtime may send per millisecond after the first half of the limit: what a function logged last is then with the host when it dies. */
export const logBytesPerMs = 256
/** Bookkeeping that one log entry costs beyond its text; without it a flood of empty lines would be free. */
export const logEntryBytes = 32
/** Largest log message; longer ones are cut by the runtime. */
export const maxLogMessageBytes = 32_768
/** Largest log frame: message, fields of the same size, places and lengths. */
export const maxLogFrameBytes = 2 * maxLogMessageBytes + 320
/** Largest description of an error; the runtime cuts names, messages and stacks far below. */
export const maxFailureBytes = 131_072
/** Largest head of a response. */
export const maxHeadBytes = 262_144
/** Largest argument of a host call: a query with large parameters. */
export const maxHostCallBytes = 16_777_216
/** Host calls of one invocation that may wait for their answer at once; the runtime queues the rest. */
export const maxHostCalls = 128
/** Object keys in the argument of a host call: the host parses it, at about 2 µs a key. Dates and bytes among query parameters take one each. */
export const maxHostCallKeys = 100_000
/** Bytes of arguments that those may have together: what a call can make the host hold. A single call may always be made. */
export const maxHostCallBytesAtOnce = 33_554_432
/** Deepest nesting of JSON that crosses the pipe: far more than honest data has, far less than a parser on a small stack takes. */
export const maxJsonDepth = 200

/** First part of a `load` frame. */
export interface LoadHead {
  readonly function: string
  readonly version: string
  readonly tenant: string
  readonly env: Readonly<Record<string, string>>
  readonly instanceConcurrency: number
  readonly outputBytes: number
  readonly logBytes: number
  /** Bytes of the code cache, 0 for none. */
  readonly cacheBytes: number
}

/** First line of an `invoke` or `fetch` frame. */
export interface CallHead {
  /** Invocation id. */
  readonly i: string
  /** The user, or null. */
  readonly u: unknown
  /** Values of the secrets that it may read. */
  readonly s?: Readonly<Record<string, string>>
  /** `ctx.request`. */
  readonly r: unknown
  /** Deadline in milliseconds since 1970. */
  readonly d: number
  /** Where it belongs in a trace. */
  readonly t?: string
}

/** Second part of a `fetch` frame. */
export interface RequestHead {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [string, string])[]
  readonly hasBody: boolean
}

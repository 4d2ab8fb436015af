/** One mismatch as ajv's code reports it (`verbose`). The parts that are read; `params` depends on the keyword. */
export interface ValidatorError {
  readonly instancePath: string
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
  /** The schema that holds the keyword. */
  readonly parentSchema: unknown
  readonly data: unknown
}

/** What a bundle knows about one side of its handler. The code is the analyzer's and runs inside the sandbox. */
export interface SideValidator {
  /** Whether a JSON value fits; leaves what does not in `errors`. Missing when only the code of the handler, and no type, says what it returns. */
  readonly validate?: ((value: unknown) => boolean) & { readonly errors?: readonly ValidatorError[] | null }
  /** Whether there may be no value at all. */
  readonly isOptional: boolean
  /** Turns JSON into what the types say (`Date`, `Uint8Array`); changes the value in place. Input only. */
  readonly revive?: (value: unknown) => unknown
  /** What of the values is no plain data: dates, which JSON writes by itself, or bytes too, which become base64. Output only. */
  readonly encodes?: 'dates' | 'bytes'
}

/** The validators that a bundle hands over before its own code runs. */
export interface Validators {
  readonly input?: SideValidator
  readonly output?: SideValidator
}

/** One place where a value does not fit its schema. Says what kind of value was there, never its text. */
export interface Issue {
  /** JSON pointer (RFC 6901) to the value; empty for the whole. */
  readonly path: string
  readonly expected: string
  readonly got: string
}

import { codeOf } from '../embedded/file-error.ts'

/**
 * The SQLSTATE of an error that the server sent; `undefined` for any other. Only those have a severity: EPIPE has five letters, too, and a tenant may
 * raise an error whose SQLSTATE is `EPIPE`.
 */
export function sqlStateOf(error: unknown): string | undefined {
  const isFromServer = typeof error === 'object' && error !== null && typeof Reflect.get(error, 'severity') === 'string'
  return isFromServer ? codeOf(error) : undefined
}

/** An error in the form of the server's, for what is refused before it gets there. */
export function sqlError(sqlState: string, message: string): Error {
  return Object.assign(new Error(message), { code: sqlState, severity: 'ERROR' })
}

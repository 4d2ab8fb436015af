/** A failure that is the user's to solve: its message is one or two sentences and is printed without a stack. */
export class SetupProblem extends Error {
  name = 'SetupProblem'
}

/**
 * Explains a failed file operation.
 *
 * @param {NodeJS.ErrnoException} error
 * @param {string} act completes "Cannot …"
 * @param {string} path
 */
export function explainFileError(error, act, path) {
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return new SetupProblem(`Cannot ${act}: this user may not write to "${path}". Give it the folder (chown) or work in a clone of its own.`)
  if (error.code === 'EROFS')
    return new SetupProblem(`Cannot ${act}: "${path}" is on a read-only file system. Work in a clone on a disk that can be written.`)
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    return new SetupProblem(`Cannot ${act}: the disk of "${path}" is full. Free some space and try again.`)
  return error
}

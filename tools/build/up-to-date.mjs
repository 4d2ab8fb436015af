import { readFileSync, statSync } from 'node:fs'

/** Whether a bundle is newer than the program that writes it and than the files that went into it, which its last line names. */
export function isUpToDate(output, program, root) {
  try {
    const builtAt = statSync(output).mtimeMs
    const list = readFileSync(output, 'utf8').match(/\n\/\/inputs (.*)\n$/)
    if (list === null) return false
    return [program, ...list[1].split(' ').map((file) => root + file)].every((file) => statSync(file).mtimeMs < builtAt)
  } catch {
    return false
  }
}

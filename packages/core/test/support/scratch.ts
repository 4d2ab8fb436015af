import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '@cordon/contracts'

/** A new empty directory; `remove` deletes it. PostgreSQL can enter it when the tests run as root. */
export async function createScratch(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'core-test-'))
  await chmod(path, 0o711)
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** A logger that keeps what it is told as `level: message`. */
export function createNotingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = []
  const note = (level: string) => (_: unknown, message: string) => void lines.push(`${level}: ${message}`)
  return { lines, debug: () => undefined, info: () => undefined, warn: note('warn'), error: note('error') }
}

/** The source of a function file: the marker and a handler. */
export function handler(body: string, before = ''): string {
  return `${before}\n/** @function */\nexport default async function handler(input: any, ctx: any) { ${body} }\n`
}

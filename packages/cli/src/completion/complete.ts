import { resolve } from 'node:path'
import { readHostFile } from '@cordon/adapters/node'
import { functionName, secretName } from '@cordon/contracts'
import { createHttpClient } from '../client/http-client.ts'
import { itemsOf, readReply } from '../commands/command.ts'
import { candidatesFor } from './candidates.ts'

/** Whoever presses Tab does not wait longer for names than this, in milliseconds. */
const answerMs = 1500
/** More names than this do not help anybody to choose. */
const maxNames = 500

/**
 * What completion scripts ask: the lines `word<Tab>meaning` that fit the last of `words`; nothing where the shell shall offer files. Names come from a
 * platform that runs, or is named; none is started for them. Never rejects.
 */
export async function complete(words: readonly string[]): Promise<readonly string[]> {
  const found = candidatesFor(words)
  const last = words.at(-1) ?? ''
  if (found.kind === 'words') return found.words.map(([word, meaning]) => `${word}\t${meaning}`)
  if (found.kind === 'files') return []
  const path = found.kind === 'secrets' ? '/api/secrets' : '/api/functions'
  // Shells expand what they are given: only what a name can be reaches them.
  const pattern = found.kind === 'secrets' ? secretName : functionName
  const names = await namesAt(path, words).catch(() => [])
  return names.filter((name) => pattern.test(name) && name.startsWith(last)).slice(0, maxNames)
}

async function namesAt(path: string, words: readonly string[]): Promise<readonly string[]> {
  const target = await targetOf(words)
  if (target === undefined) return []
  const { body } = await readReply(createHttpClient(target), path, { signal: AbortSignal.timeout(answerMs) })
  return itemsOf(body ?? {}).map(({ name }) => String(name))
}

async function targetOf(words: readonly string[]): Promise<{ readonly url: string; readonly token: string | undefined } | undefined> {
  const url = valueOf('--url', words) ?? process.env['CORDON_URL']
  if (url !== undefined) return { url, token: valueOf('--token', words) ?? process.env['CORDON_TOKEN'] }
  return readHostFile(resolve(valueOf('--data-dir', words) ?? process.env['CORDON_DATA_DIR'] ?? './.cordon'))
}

function valueOf(flag: string, words: readonly string[]): string | undefined {
  const index = words.indexOf(flag)
  return index === -1 ? undefined : words[index + 1]
}

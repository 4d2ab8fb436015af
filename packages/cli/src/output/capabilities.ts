import { isRecord } from '@cordon/contracts'
import { escapeLine } from './escape.ts'
import type { Terminal } from './terminal.ts'

/** What a version becomes able to do and no longer is, a line each: `+ net api.example.com`. */
export function formatCapabilities(change: unknown, { colors }: Pick<Terminal, 'colors'>): string[] {
  if (!isRecord(change)) return []
  return [...lines(colors.yellow('+'), change['added']), ...lines(colors.dim('-'), change['removed'])]
}

function lines(sign: string, list: unknown): string[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((one: unknown) => {
    if (!isRecord(one)) return []
    const { kind, name, sentTo } = one
    const way = sentTo === undefined ? '' : ` sent to ${String(sentTo)}`
    return [`  ${sign} ${escapeLine(`${String(kind)} ${String(name)}${way}`)}`]
  })
}

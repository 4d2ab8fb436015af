import { isRecord } from '@cordon/contracts'
import { escapeLine } from './escape.ts'

/** What a deployment became able to do and no longer is, a line each: `+ net api.example.com`. */
export function formatCapabilities(change: unknown): string[] {
  if (!isRecord(change)) return []
  return [...lines('+', change['added']), ...lines('-', change['removed'])]
}

function lines(sign: string, list: unknown): string[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((one: unknown) => (isRecord(one) ? [`  ${sign} ${escapeLine(`${String(one['kind'])} ${String(one['name'])}`)}`] : []))
}

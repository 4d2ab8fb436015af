import type { Client } from '../client/client.ts'
import { describeFailure } from '../exit-code.ts'
import type { Finding } from './finding.ts'

/** Whether a platform elsewhere answers, and lets us in. */
export async function checkRemote(client: Client, url: string): Promise<readonly Finding[]> {
  const check = 'platform'
  try {
    const response = await client.request('/api/functions')
    await response.body?.cancel()
    if (response.ok) return [{ check, state: 'ok', message: `the platform at ${url} answers` }]
    const isStranger = response.status === 401 || response.status === 403
    const remedy = isStranger ? 'Give its token with --token or CORDON_TOKEN' : 'Check the address: it ends where /api begins'
    return [{ check, state: 'error', message: `${url} answers with HTTP ${response.status}`, remedy }]
  } catch (error) {
    return [
      {
        check,
        state: 'error',
        message: describeFailure(error).message,
        remedy: 'Check the address, and that the platform runs and its port is open',
      },
    ]
  }
}

/** Warm `platform.invoke` of a trivial function against the raw echo; run it pinned and unpinned (`npm run bench -- core/invoke`). */
import { createPlatform } from '@cordon/core'
import { compareCalls, isPinned, report } from '../measure.mjs'
import { createRawEcho } from '../raw-echo.mjs'
import { withScratch } from '../scratch.mjs'

await withScratch(async (dataDir) => {
  const platform = await createPlatform({ dataDir })
  const echo = await createRawEcho()
  try {
    await platform.deploy({
      name: 'trivial',
      source: '/** @function */\nexport default async function trivial(input: { n: number }) { return { n: input.n } }',
    })
    const input = { n: 1 }
    const result = await compareCalls({ echo: () => echo.call(input), invoke: () => platform.invoke('trivial', input) })
    console.log(isPinned ? '## pinned to one core' : '## unpinned')
    report('raw echo, median', result.of('echo').p50, 'µs')
    report('platform.invoke, warm, median', result.of('invoke').p50, 'µs')
    report('platform.invoke / raw echo', result.ratio('invoke', 'echo'), 'x', isPinned ? 4 : 2)
    report('platform.invoke / raw echo, p99', result.ratio('invoke', 'echo', 'p99'), 'x')
  } finally {
    echo.close()
    await platform.close()
  }
})

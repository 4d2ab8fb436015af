/** Warm `platform.invoke` of a trivial function against the raw echo; run it pinned and unpinned (`npm run bench -- core/invoke`). */
import { createPlatform } from '@cordon/core'
import { compareCalls, report } from '../measure.mjs'
import { createRawEcho } from '../raw-echo.mjs'
import { withScratch } from '../scratch.mjs'

const isPinned = process.env['BENCH_PINNED'] === '1'

await withScratch(async (dataDir) => {
  const platform = await createPlatform({ dataDir })
  const echo = await createRawEcho()
  try {
    await platform.deploy({
      name: 'trivial',
      source: '/** @function */\nexport default async function trivial(input: { n: number }) { return { n: input.n } }',
    })
    const input = { n: 1 }
    const result = await compareCalls(
      () => platform.invoke('trivial', input),
      () => echo.call(input),
    )
    console.log(isPinned ? '## pinned to one core' : '## unpinned')
    report('raw echo, median', result.peer, 'µs')
    report('platform.invoke, warm, median', result.ours, 'µs')
    report('platform.invoke / raw echo', result.ratio, 'x', isPinned ? 4 : 2)
    report('platform.invoke / raw echo, p99', result.p99Ratio, 'x')
  } finally {
    echo.close()
    await platform.close()
  }
})

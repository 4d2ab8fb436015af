import { isRecord, PlatformError } from '@cordon/contracts'

/** Where the package itself lies: its own frames, and those of Node, say nothing to who wrote a test. */
const own = new URL('.', import.meta.url).href

/**
 * Runs `work`; what it throws says where in the function it went wrong, as far as it did there, and where in the test the function was
 * called, which the queues on the way have lost.
 */
export async function withCallerFrames<T>(work: () => Promise<T>): Promise<T> {
  const here = new Error('a place in a test')
  try {
    return await work()
  } catch (error) {
    const frames = framesOf(here.stack).filter((line) => !line.includes(own) && !line.includes('node:internal'))
    if (error instanceof Error) {
      const inFunction = functionFrames(error)
      const known = framesOf(error.stack)
      if (inFunction.length > 0) error.stack = [`${error.name}: ${error.message}`, ...inFunction, ...frames].join('\n')
      else if (!known.some((line) => frames.includes(line))) error.stack = [error.stack, ...frames].join('\n')
    }
    throw error
  }
}

function functionFrames(error: Error): readonly string[] {
  const thrown = error instanceof PlatformError ? error.details['error'] : undefined
  return isRecord(thrown) && typeof thrown['stack'] === 'string' ? framesOf(thrown['stack']) : []
}

function framesOf(stack = ''): readonly string[] {
  return stack.split('\n').filter((line) => /^\s+at /.test(line))
}

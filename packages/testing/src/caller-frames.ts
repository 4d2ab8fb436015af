/** Where the package itself lies: its own frames say nothing to who wrote a test. */
const own = new URL('.', import.meta.url).href

/** Runs `work`; what it throws says where in the test it was asked for, which the queues on the way have lost. */
export async function withCallerFrames<T>(work: () => Promise<T>): Promise<T> {
  const here = new Error('a place in a test')
  try {
    return await work()
  } catch (error) {
    const frames = framesOf(here).filter((line) => !line.includes(own))
    if (error instanceof Error && !framesOf(error).some((line) => frames.includes(line))) {
      error.stack = [error.stack, ...frames].join('\n')
    }
    throw error
  }
}

function framesOf({ stack = '' }: Error): readonly string[] {
  return stack.split('\n').filter((line) => /^\s+at /.test(line))
}

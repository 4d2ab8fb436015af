let running = 0
let timer: NodeJS.Timeout | undefined

/** Runs `work` and keeps the process alive meanwhile: nothing else of a test platform does. */
export async function holdProcess<T>(work: () => Promise<T>): Promise<T> {
  running += 1
  timer ??= setInterval(() => undefined, 2 ** 30)
  try {
    return await work()
  } finally {
    running -= 1
    if (running === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

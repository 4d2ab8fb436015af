const realProcess = process as NodeJS.Process & { reallyExit(code?: number): never }
const { reallyExit } = realProcess

/** Ends the process at once; nothing of user code runs any more. */
export function exitNow(code: number): never {
  return reallyExit.call(realProcess, code)
}

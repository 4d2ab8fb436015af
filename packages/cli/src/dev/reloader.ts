import { sep } from 'node:path'
import { scan } from './scan.ts'

/** What the reloader does to the platform. */
export interface ReloadActions {
  /** Deploys a function and says which files went in; must not reject. */
  deploy(name: string, path: string): Promise<ReadonlySet<string>>
  /** Removes a function whose file is gone; must not reject. */
  remove(name: string): Promise<void>
  note(sentence: string): void
}

/** Keeps the platform equal to a folder of functions. */
export interface Reloader {
  /** Deploys all functions of the folder. */
  start(): Promise<void>
  /** Says that a file was written, added or removed. */
  changed(path: string): void
  /** Nothing is deployed any more; resolves when what runs is done. */
  close(): Promise<void>
}

/**
 * Editors save in several steps: files are read when nothing has changed for this time, in milliseconds. It has to be more
 * than the 50 ms in which chokidar drops further changes of a file it has just told of (`_emit` in its index.ts), or the last
 * of two quick saves would never be seen.
 */
const settleMs = 60
/** A folder in which something is written all the time is read nevertheless after this time, in milliseconds. */
const maxWaitMs = 500

/** Creates a reloader for `folder` (absolute). */
export function createReloader(folder: string, actions: ReloadActions): Reloader {
  const deployed = new Map<string, { path: string; sources: ReadonlySet<string> }>()
  const told = new Set<string>()
  const changes = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let waitingSince = 0
  let running = Promise.resolve()
  let isClosed = false

  function isStale(name: string, path: string, changedPaths: ReadonlySet<string>): boolean {
    const known = deployed.get(name)
    if (known === undefined || known.path !== path) return true
    return [...changedPaths].some((changed) => known.sources.has(changed) || changed === path || changed.startsWith(path + sep))
  }

  async function update(changedPaths: ReadonlySet<string>): Promise<void> {
    const { functions, notes } = await scan(folder)
    for (const note of notes) if (!told.has(note)) actions.note(note)
    for (const note of notes) told.add(note)
    for (const name of deployed.keys()) {
      if (functions.has(name)) continue
      deployed.delete(name)
      await actions.remove(name)
    }
    for (const [name, path] of functions) {
      if (isClosed) return
      if (isStale(name, path, changedPaths)) deployed.set(name, { path, sources: await actions.deploy(name, path) })
    }
  }

  /** One after the other: a later save must not be overtaken by an earlier one. */
  function run(): Promise<void> {
    const taken = new Set(changes)
    changes.clear()
    running = running
      .then(() => (isClosed ? undefined : update(taken)))
      .catch((error: unknown) => actions.note(error instanceof Error ? error.message : String(error)))
    return running
  }

  return {
    start: run,
    changed(path) {
      changes.add(path)
      if (timer === undefined) waitingSince = performance.now()
      else if (performance.now() - waitingSince > maxWaitMs) return
      clearTimeout(timer)
      timer = setTimeout(() => {
        timer = undefined
        void run()
      }, settleMs)
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await running
    },
  }
}

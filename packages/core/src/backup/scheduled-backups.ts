import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { toPlatformError, type BackupOptions, type PlatformError } from '@cordon/contracts'
import type { SqlConnection } from '@cordon/pool'
import { numberOf, textOf } from '../store/row.ts'
import type { Sql } from '../store/sql.ts'

/** What scheduled backups need. */
export interface ScheduledBackupParts {
  readonly sql: Sql
  readonly connection: SqlConnection
  readonly options: BackupOptions
  readonly onFailure: (message: string, error: PlatformError) => void
  /** Told of every backup that is whole. */
  readonly onBackup: (file: string, bytes: number) => void
}

/** Longest pause after one that failed, in milliseconds. */
const retryMs = 600_000
/** Files of interrupted backups that nobody writes any more are older than this, in milliseconds. */
const abandonedMs = 3_600_000

/**
 * Makes a backup when the last one is old enough, whoever made it: hosts that share a database look at one list. What is read is streamed, so the event
 * loop stays free.
 */
export class ScheduledBackups {
  readonly #parts: ScheduledBackupParts
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  /** When the newest one was begun, whoever made it, as far as it was looked up: milliseconds since 1970, 0 for none. */
  lastAt = 0

  constructor(parts: ScheduledBackupParts) {
    this.#parts = parts
    this.#wait(0)
  }

  #wait(ms: number): void {
    if (this.#stop.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#running = this.#look().then((next) => this.#wait(next))
    }, ms)
    this.#timer.unref()
  }

  /** Makes a backup if one is due. Never rejects; gives the time to the next look, in milliseconds. */
  async #look(): Promise<number> {
    const { options, onFailure } = this.#parts
    try {
      const left = await this.#timeLeft()
      if (left > 0) return left
      await this.#make()
      return await this.#timeLeft()
    } catch (thrown) {
      const error = toPlatformError(thrown, 'STORE_UNAVAILABLE', 'make the backup')
      const isBusy = error.details['isBusy'] === true
      if (!this.#stop.signal.aborted && !isBusy) onFailure(`${error.message} (${await this.#age()})`, error)
      return Math.min(options.everyMs, retryMs)
    }
  }

  /** Time until the next one is due, in milliseconds. */
  async #timeLeft(): Promise<number> {
    const { rows } = await this.#parts.sql.query('select coalesce(max(started_at), 0) as started_at from cordon.backups')
    this.lastAt = rows[0] === undefined ? 0 : numberOf(rows[0], 'started_at')
    return Math.max(0, this.lastAt + this.#parts.options.everyMs - Date.now())
  }

  /** How old the newest backup is, for people. */
  async #age(): Promise<string> {
    const found = await this.#parts.sql.query('select max(started_at) as started_at from cordon.backups').catch(() => undefined)
    if (found === undefined) return 'whether there is a backup is not known'
    const [row] = found.rows
    return row === undefined || row['started_at'] === null
      ? 'there is no backup yet'
      : `no backup since ${new Date(numberOf(row, 'started_at')).toISOString()}`
  }

  async #make(): Promise<void> {
    const { sql, connection, options, onBackup } = this.#parts
    const [{ openPlatformDump }, { writeBackup }] = await Promise.all([import('./dump-platform.ts'), import('./backup-file.ts')])
    const { directory = '' } = options
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await removeAbandoned(directory)
    const dump = await openPlatformDump(connection, this.#stop.signal)
    try {
      // Another host may have been faster; only one at a time gets here.
      if ((await this.#timeLeft()) > 0) return
      const startedAt = Date.now()
      const file = join(directory, `scheduled-${new Date(startedAt).toISOString().replaceAll(/[-:.]/g, '')}.backup`)
      const { bytes } = await writeBackup(file, dump.head, dump.items())
      await sql.query('insert into cordon.backups (machine, file, started_at, finished_at, bytes) values ($1, $2, $3, $4, $5)', [
        hostname(),
        file,
        startedAt,
        Date.now(),
        bytes,
      ])
      onBackup(file, bytes)
      await this.#removeOld()
    } finally {
      await dump[Symbol.asyncDispose]()
    }
  }

  /** Only files that the list says this machine has written: a directory may hold others. */
  async #removeOld(): Promise<void> {
    const { sql, options } = this.#parts
    const { rows } = await sql.query('select id, file from cordon.backups where machine = $1 order by id desc offset $2', [hostname(), options.keep])
    for (const row of rows) {
      await rm(textOf(row, 'file'), { force: true })
      await sql.query('delete from cordon.backups where id = $1', [numberOf(row, 'id')])
    }
  }

  /** Breaks off the one that is being made. */
  async close(): Promise<void> {
    this.#stop.abort()
    clearTimeout(this.#timer)
    await this.#running
  }
}

async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!/^scheduled-\w+\.backup\.partial-\d+$/.test(name)) continue
    const path = join(directory, name)
    const changed = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    )
    if (Date.now() - changed > abandonedMs) await rm(path, { force: true })
  }
}

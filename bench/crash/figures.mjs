import { median, report } from '../measure.mjs'

/** What a run measured. */
export class Figures {
  byVictim = new Map()
  longestPingMs = 0
  longestEndMs = 0
  /** Of those whose reaper was killed with them. */
  longestAloneMs = 0

  /** `readyMs`: from the kill, or from the start of the next host, to the first call that succeeded. */
  note({ killed, readyMs, left, pingMs }) {
    const name = killed.length > 1 ? `two at once: ${killed.map(shortened).toSorted().join(' + ')}` : killed[0]
    this.byVictim.set(name, [...(this.byVictim.get(name) ?? []), readyMs])
    this.longestPingMs = Math.max(this.longestPingMs, pingMs)
    if (left.isReaperGone) this.longestAloneMs = Math.max(this.longestAloneMs, left.tookMs)
    else this.longestEndMs = Math.max(this.longestEndMs, left.tookMs)
  }
}

function shortened(role) {
  return role === 'other process of the database' ? 'other of database' : role
}

/** Prints the figures and what the ledger counts. */
export function printFigures({ byVictim, longestPingMs, longestEndMs, longestAloneMs }, ledger) {
  console.log(`${'killed'.padEnd(56)} times   works again after: median, longest`)
  for (const [name, times] of [...byVictim].toSorted(([a], [b]) => a.localeCompare(b))) {
    console.log(
      `${name.padEnd(56)} ${String(times.length).padStart(5)} ${median(times).toFixed(0).padStart(25)} ${Math.max(...times)
        .toFixed(0)
        .padStart(8)} ms`,
    )
  }
  for (const kind of ledger.kinds) {
    const states = ['acknowledged', 'refused', 'unknown', 'never'].map((state) => [state, ledger.count(kind, state)]).filter(([, count]) => count > 0)
    console.log(`${kind.padEnd(24)} ${states.map(([state, count]) => `${state} ${count}`).join(', ')}`)
  }
  report('longest time until a killed host had left nothing', longestEndMs, 'ms', 1000)
  report('the same, from the next start on, without a reaper', longestAloneMs, 'ms')
  report('longest answer of the host to a ping', longestPingMs, 'ms')
}

import type { LookupAddress } from 'node:dns'

/** Finds the addresses of a name, as `dns.lookup` does. */
export type Lookup = (name: string, options: { readonly all: true }, done: FoundAddresses) => void

type FoundAddresses = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void

/**
 * One lookup at a time, whose answer goes to all who wait for that name. Node lends lookups two threads of the whole process (half of libuv's pool), and a name
 * server that never answers keeps one for many seconds: without this, one tenant's names would hold up every other's.
 */
export function lookupsInTurn(lookup: Lookup): Lookup {
  const waiting = new Map<string, { readonly options: { readonly all: true }; readonly all: FoundAddresses[] }>()
  let isBusy = false
  function next(): void {
    const [first] = waiting
    if (isBusy || first === undefined) return
    const [name, { options, all }] = first
    isBusy = true
    lookup(name, options, (error, addresses) => {
      isBusy = false
      waiting.delete(name)
      next()
      for (const done of all) done(error, addresses)
    })
  }
  return (name, options, done) => {
    const same = waiting.get(name)
    if (same === undefined) waiting.set(name, { options, all: [done] })
    else same.all.push(done)
    next()
  }
}

/** Who imports whom, by the names of the source map. */
export interface ImportGraph {
  add(importer: string, specifier: string, imported: string): void
  /** Gives the shortest way from the entry file to a file, through the files of `within` only; empty when there is none. */
  waysThrough(within: ReadonlySet<string>): (file: string) => readonly ImportStep[]
}

/** One import on a way. */
export interface ImportStep {
  readonly importer: string
  readonly specifier: string
  readonly imported: string
}

/** Creates the graph of the imports that start at `entry`. */
export function createImportGraph(entry: string): ImportGraph {
  const steps = new Map<string, ImportStep[]>()

  function waysFrom(within: ReadonlySet<string>): Map<string, ImportStep | undefined> {
    const found = new Map<string, ImportStep | undefined>([[entry, undefined]])
    // A map that grows while it is walked: breadth first, so that the first way found is a shortest one.
    for (const [file] of found) {
      // The bundler reads files at once, in no fixed order.
      for (const step of (steps.get(file) ?? []).toSorted(compare)) {
        if (within.has(step.imported) && !found.has(step.imported)) found.set(step.imported, step)
      }
    }
    return found
  }

  return {
    add(importer, specifier, imported) {
      const list = steps.get(importer) ?? []
      steps.set(importer, list)
      list.push({ importer, specifier, imported })
    },
    waysThrough(within) {
      const found = waysFrom(within)
      return (file) => {
        const way: ImportStep[] = []
        for (let step = found.get(file); step !== undefined; step = found.get(step.importer)) way.unshift(step)
        return way
      }
    },
  }
}

function compare(a: ImportStep, b: ImportStep): number {
  const [first, second] = [`${a.imported}\0${a.specifier}`, `${b.imported}\0${b.specifier}`]
  return first < second ? -1 : first > second ? 1 : 0
}

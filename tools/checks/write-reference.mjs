import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../bootstrap/setup.mjs'
import { referenceFiles } from './reference.mjs'
import { renderBlocks } from './reference-tables.mjs'
import { ruleList } from '../../packages/analyzer/dist/rules/rule-list.js'
import * as commands from '../../packages/cli/dist/program/commands.js'
import * as contracts from '../../packages/contracts/dist/index.js'

// `npm run docs`: brings the tables of docs/reference up to date.
for (const name of referenceFiles) {
  const path = join(root, name)
  writeFileSync(path, renderBlocks(root, readFileSync(path, 'utf8'), { ...contracts, rules: ruleList, commands }))
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkArrows } from './arrows.mjs'
import { checkDecisions, checkDependencies } from './dependencies.mjs'
import { checkErrorDocs, checkProvokedCodes } from './error-docs.mjs'
import { checkFileLength } from './file-length.mjs'
import { checkLockFile, checkManifests } from './manifests.mjs'
import { checkCodeBlocks, checkLinks } from './markdown.mjs'
import { checkReference } from './reference.mjs'

/** The repository's own checks by name. Each takes the folder of a built repository and gives one sentence per problem. */
export const repositoryChecks = {
  arrows: checkArrows,
  dependencies: checkDependencies,
  decisions: checkDecisions,
  'file length': checkFileLength,
  manifests: checkManifests,
  'lock file': checkLockFile,
  links: checkLinks,
  'code blocks': checkCodeBlocks,
  'error documentation': async (folder) => checkErrorDocs(folder, (await contracts(folder)).errorTable),
  'provoked errors': async (folder) => checkProvokedCodes(folder, (await contracts(folder)).errorTable),
  'reference documentation': async (folder) =>
    checkReference(folder, { ...(await contracts(folder)), rules: await rules(folder), commands: await commands(folder) }),
}

async function commands(folder) {
  const built = join(folder, 'packages', 'cli', 'dist', 'program', 'commands.js')
  return import(pathToFileURL(built).href)
}

async function contracts(folder) {
  const built = join(folder, 'packages', 'contracts', 'dist', 'index.js')
  if (!existsSync(built)) throw new Error('Cannot check the repository: it is not built. Run "npm run build".')
  return import(pathToFileURL(built).href)
}

async function rules(folder) {
  return (await import(pathToFileURL(join(folder, 'packages', 'analyzer', 'dist', 'rules', 'rule-list.js')).href)).ruleList
}

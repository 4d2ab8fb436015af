export { checkNodeVersion } from '../platform/node-version.ts'
export { tryEmbeddedDatabase } from './try-database.ts'
export { trySandbox } from './try-sandbox.ts'

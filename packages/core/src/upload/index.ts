export { collect, isArchive, nameOf, sourceExtensions, type Collected } from './collect.ts'

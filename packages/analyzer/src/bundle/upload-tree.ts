import type { PackageTree } from './package-tree.ts'

/** The files of the upload as a tree. */
export function createUploadTree(files: ReadonlyMap<string, Uint8Array>): PackageTree {
  return {
    prefix: '',
    has: (path) => files.has(path),
    read(path) {
      const bytes = files.get(path)
      if (bytes === undefined) throw new Error(`Cannot read "${path}": it is not in the upload`)
      return bytes
    },
  }
}

/** True for files that the user wrote; what lies below a `node_modules` of the upload is somebody else's. */
export function isFirstParty(path: string): boolean {
  return !path.startsWith('node_modules/') && !path.includes('/node_modules/')
}

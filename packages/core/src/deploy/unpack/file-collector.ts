import { refuseUpload } from '../rejected.ts'
import { entryPath, isIgnored } from './entry-path.ts'
import { uploadLimits } from './upload-limits.ts'

/**
 * Gathers the files of one upload and holds every bound that does not depend on where they come from: how many, how
 * large, and that no two names mean one file on a file system that ignores case or normalises Unicode.
 */
export class FileCollector {
  readonly #files = new Map<string, Uint8Array>()
  /** Folded path -> the spelling that was seen, and what it is. */
  readonly #seen = new Map<string, { readonly path: string; readonly isFile: boolean }>()
  #entries = 0
  #bytes = 0

  /** Counts an entry and checks its name. `undefined`: it is ignored. */
  accept(spelled: string): string | undefined {
    this.#entries += 1
    if (this.#entries > uploadLimits.entries) {
      throw refuseUpload('upload-limit', '', `it has more than ${uploadLimits.entries} entries. Leave out what the function does not need`)
    }
    const path = entryPath(spelled)
    return path === '' || isIgnored(path) ? undefined : path
  }

  /** Checks a size that is announced, before anything of it is read. */
  reserve(path: string, bytes: number): void {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw refuseUpload('upload-archive', path, 'its size is not a number. Pack the upload again')
    if (bytes > uploadLimits.fileBytes) {
      throw refuseUpload('upload-limit', path, `it is larger than ${uploadLimits.fileBytes} bytes. Leave it out or split it`)
    }
    if (this.#bytes + bytes > uploadLimits.totalBytes) {
      throw refuseUpload(
        'upload-limit',
        path,
        `the upload is larger than ${uploadLimits.totalBytes} bytes together. Leave out what the function does not need`,
      )
    }
  }

  /** Adds a file under a path that `accept` gave. */
  add(path: string, content: Uint8Array): void {
    this.reserve(path, content.byteLength)
    this.#claim(path, true)
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) this.#claim(path.slice(0, slash), false)
    this.#bytes += content.byteLength
    this.#files.set(path, content)
  }

  /**
   * The files by path. With `strip`, a single top folder that holds everything is taken off (archives are usually
   * made of one folder).
   *
   * @throws PlatformError DEPLOYMENT_REJECTED when there is no file
   */
  finish(strip: boolean): Record<string, Uint8Array> {
    if (this.#files.size === 0) throw refuseUpload('upload-archive', '', 'it holds no files. Add at least the entry file')
    const prefix = strip ? commonFolder([...this.#files.keys()]) : ''
    return Object.fromEntries([...this.#files].map(([path, content]) => [path.slice(prefix.length), content]))
  }

  #claim(path: string, isFile: boolean): void {
    const folded = path.normalize('NFC').toLowerCase().normalize('NFC')
    const before = this.#seen.get(folded)
    if (before === undefined) {
      this.#seen.set(folded, { path, isFile })
      return
    }
    if (before.path !== path) {
      throw refuseUpload('upload-duplicate', path, `its name differs from "${before.path}" only in case or Unicode form. Rename one of them`)
    }
    if (isFile && before.isFile) throw refuseUpload('upload-duplicate', path, 'it is there twice. Pack the upload again')
    if (isFile !== before.isFile) throw refuseUpload('upload-duplicate', path, 'it is both a file and a folder. Pack the upload again')
  }
}

/** `'folder/'` when every path lies in that one folder, else `''`. */
function commonFolder(paths: readonly string[]): string {
  const first = paths[0] ?? ''
  const slash = first.indexOf('/')
  if (slash === -1) return ''
  const folder = first.slice(0, slash + 1)
  // A package folder is where packages are looked for: taking it off would change what imports mean.
  return folder !== 'node_modules/' && paths.every((path) => path.startsWith(folder)) ? folder : ''
}

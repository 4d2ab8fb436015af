import { createHash } from 'node:crypto'
import { resolveFunctionConfig } from '@cordon/contracts'
import { ts } from '@ts-morph/common'
import type { BundleResult } from '../bundle/bundle.ts'
import { isFirstParty } from '../bundle/upload-tree.ts'
import { globalAccess } from '../rules/global-access.ts'
import { hiddenNames } from '../rules/hidden-names.ts'
import { noEval } from '../rules/no-eval.ts'
import { noTampering } from '../rules/no-tampering.ts'
import { noWebAssembly } from '../rules/no-webassembly.ts'
import { processAccess } from '../rules/process-access.ts'
import type { Rule } from '../rules/rule.ts'
import { createSourceParser } from '../source/source-parser.ts'
import { parseSources } from '../source/source-text.ts'
import { createValues } from '../values/evaluate.ts'
import { findReferences } from '../values/references.ts'
import type { Reporter } from './reporter.ts'

/** What packages are looked through for, and how a finding names it. */
const classes: readonly (readonly [rule: Rule, what: string])[] = [
  [noEval, 'turns text into code'],
  [noWebAssembly, 'uses WebAssembly'],
  [processAccess, 'asks more of process than its environment'],
  [globalAccess, 'searches the global object or reaches for the module loader'],
  [noTampering, 'changes built-in objects'],
  [hiddenNames, 'hides the names that it uses'],
]
/** What most of the above is written with; packages that hide it are for the sandbox. */
const worthALook =
  /(?<![.\w$])(?:eval|Function)\b(?!\.prototype|`)|\bWebAssembly\b|\bprocess\.(?:binding|dlopen|mainModule|getBuiltinModule|kill|_)|\bglobalThis\[|\b(?:Object|Array|Function|Promise)\.prototype\.\w+\s*=[^=]|\.constructor\.constructor\b|\[\w+\(0x/
/** Most code of packages that one analysis reads, in characters: some 0.1 s. What is beyond is left to the sandbox. */
const maxText = 200_000
/** Files whose findings an analyzer process remembers: packages are the same from deployment to deployment. */
const maxRemembered = 2000

interface Found {
  readonly rule: string
  readonly start: number
  readonly length: number
}

const remembered = new Map<string, readonly Found[]>()
const decoder = new TextDecoder()

/** Sums up what the packages of a bundle do that the user's own files may not: one warning for each package and kind of finding. */
export function reportPackageCode(bundled: BundleResult, reporter: Reporter): void {
  const groups = new Map<string, { file: string; text: string; first: Found; places: number; files: Set<string> }>()
  for (const [path, text] of textsOf(bundled)) {
    for (const found of lookThrough(path, text)) {
      const key = `${nameOf(path)}\0${found.rule}`
      const group = groups.get(key) ?? { file: path, text, first: found, places: 0, files: new Set() }
      groups.set(key, group)
      group.places++
      group.files.add(path)
    }
  }
  for (const [key, { file, text, first, places, files }] of groups) {
    const [name] = key.split('\0')
    const what = classes.find(([rule]) => rule.id === first.rule)?.[1] ?? ''
    const count = `${places} ${places === 1 ? 'place' : 'places'} in ${files.size} ${files.size === 1 ? 'file' : 'files'}`
    const message = `The package ${name} ${what} (${first.rule}: ${count}). The sandbox holds what it does; replace the package if you did not expect this.`
    reporter.add({ rule: 'package-code', severity: 'warn', message, file, text, place: first })
  }
}

function textsOf({ included, codeFiles, sources }: BundleResult): [string, string][] {
  let length = 0
  return [...included].toSorted().flatMap((path): [string, string][] => {
    if (isFirstParty(path) || !codeFiles.has(path)) return []
    const text = decoder.decode(sources.get(path))
    if (!worthALook.test(text) || length + text.length > maxText) return []
    length += text.length
    return [[path, text]]
  })
}

function lookThrough(path: string, text: string): readonly Found[] {
  const key = createHash('sha256').update(path).update('\0').update(text).digest('base64')
  const known = remembered.get(key)
  if (known !== undefined) return known
  const parsed = parseSources(new Map([[path, text]]), createSourceParser())
  const found = parsed.files.flatMap((source) => {
    const values = createValues(source, parsed.checker)
    const references = findReferences(source, values)
    const config = resolveFunctionConfig(undefined)
    return classes.flatMap(([rule]) => {
      const places: Found[] = []
      const report = (place: ts.Node | { readonly start: number; readonly length: number }) => {
        const where = 'kind' in place ? { start: place.getStart(source.ast), length: place.getWidth(source.ast) } : place
        places.push({ rule: rule.id, ...where })
      }
      rule.check({ ts, source, isEntry: false, checker: parsed.checker, refused: [], values, references, uses: [], config, report })
      return places
    })
  })
  if (remembered.size >= maxRemembered) remembered.clear()
  remembered.set(key, found)
  return found
}

function nameOf(path: string): string {
  return /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path
}

import { bundle } from '../bundle/bundle.ts'
import { createHostPackages } from '../bundle/host-packages.ts'
import { createResolver } from '../bundle/resolve.ts'
import { createUploadTree } from '../bundle/upload-tree.ts'
import { parseSources } from '../source/source-text.ts'

export { analyze } from './analyze.ts'

/** Does a small analysis of its own, so that parser and bundler are loaded and compiled when the first upload comes. */
export async function warm(): Promise<boolean> {
  const text = 'export default async function handler(input: { name: string }) { return { greeting: `Hello ${input.name}` } }'
  const upload = createUploadTree(new Map([['index.ts', new TextEncoder().encode(text)]]))
  const resolver = createResolver(upload, createHostPackages({ from: '/', allow: [] }))
  parseSources(new Map([['index.ts', text]]))
  const { code } = await bundle({ upload, entry: 'index.ts', resolver })
  return code !== undefined
}

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { listFiles } from './sources.mjs'

/**
 * The Markdown files of the repository that readers are sent to.
 *
 * @param {string} folder the repository
 */
function listDocuments(folder) {
  const isDocument = (name) => name.endsWith('.md') && (!name.includes('/') || /^(docs|examples|packages|bench)\//.test(name))
  return listFiles(folder, isDocument)
}

/**
 * Every relative link in a Markdown file leads to a file, and to a heading where it names one.
 *
 * @param {string} folder the repository
 * @returns {string[]}
 */
export function checkLinks(folder) {
  const problems = []
  for (const name of listDocuments(folder)) {
    const text = readFileSync(join(folder, name), 'utf8')
    for (const [, target] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path, anchor] = target.split('#')
      const file = path === '' ? name : normalize(join(dirname(name), path))
      if (file.startsWith('..') || !existsSync(join(folder, file))) problems.push(`${name} links to "${target}", which is not there.`)
      else if (anchor !== undefined && file.endsWith('.md') && !anchorsOf(readFileSync(join(folder, file), 'utf8')).has(anchor)) {
        problems.push(`${name} links to "${target}": ${file} has no such heading.`)
      }
    }
  }
  return problems
}

/**
 * Every JavaScript or TypeScript block of a document is the copy of a file, which a comment before it names
 * (`<!-- examples/readme/host.mjs -->`), or says why it is not (`<!-- excerpt: … -->`).
 *
 * @param {string} folder the repository
 * @returns {string[]}
 */
export function checkCodeBlocks(folder) {
  return listDocuments(folder).flatMap((name) =>
    readCodeBlocks(readFileSync(join(folder, name), 'utf8')).flatMap(({ mark, code, line }) => {
      if (mark === null) return [`${name}:${line} has a code block that names no file: put <!-- path --> or <!-- excerpt: why --> before it.`]
      if (mark.startsWith('excerpt:')) return []
      if (!existsSync(join(folder, mark))) return [`${name}:${line} copies ${mark}, which is not there.`]
      return readFileSync(join(folder, mark), 'utf8').trim() === code.trim() ? [] : [`${name}:${line} differs from ${mark}.`]
    }),
  )
}

/**
 * The JavaScript and TypeScript blocks of a Markdown text, each with the comment before it.
 *
 * @param {string} text
 * @returns {{ mark: string | null, code: string, line: number }[]}
 */
function readCodeBlocks(text) {
  const blocks = []
  for (const match of text.matchAll(/(?:<!-- ([^\n]*?) -->\n+)?```(?:js|ts|mjs|javascript|typescript|tsx|jsx)[^\n]*\n([\s\S]*?)\n```/g)) {
    blocks.push({ mark: match[1] ?? null, code: match[2], line: text.slice(0, match.index).split('\n').length })
  }
  return blocks
}

function withoutCode(text) {
  return text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '')
}

/** Headings as GitHub names them: lower case, spaces as dashes, other signs dropped. */
function anchorsOf(text) {
  return new Set(
    [...withoutFences(text).matchAll(/^#+\s+(.+)$/gm)].map(([, heading]) =>
      heading
        .trim()
        .toLowerCase()
        .replace(/[^\p{Letter}\p{Number}\- _]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

function withoutFences(text) {
  return text.replace(/```[\s\S]*?```/g, '')
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles } from './sources.mjs'

/** Most lines of a file. Limits: the house rules in CONTRIBUTING.md. */
const maxLines = 400
const maxMedian = 120
const maxNinetieth = 300

/**
 * Files stay short enough to be read at once: none above 400 lines; among the sources the median is at most 120 and nine of ten at most 300.
 *
 * @param {string} folder the repository
 * @returns {string[]}
 */
export function checkFileLength(folder) {
  const lengths = ['packages', 'examples', 'tools', 'bench'].flatMap((top) =>
    listFiles(join(folder, top), (name) => /\.([cm]?[jt]s|[ch])$/.test(name)).map((name) => ({
      file: `${top}/${name}`,
      lines: readFileSync(join(folder, top, name), 'utf8')
        .replace(/\n$/, '')
        .split('\n').length,
    })),
  )
  const problems = lengths
    .filter(({ lines }) => lines > maxLines)
    .map(({ file, lines }) => `${file} has ${lines} lines: at most ${maxLines}. Split it by concept.`)
  const sources = lengths.filter(({ file }) => /^packages\/[^/]+\/src\//.test(file)).map(({ lines }) => lines)
  problems.push(...judge(sources, 0.5, maxMedian, 'median'), ...judge(sources, 0.9, maxNinetieth, '90th percentile'))
  return problems
}

function judge(lengths, part, limit, name) {
  const sorted = lengths.toSorted((a, b) => a - b)
  const value = sorted[Math.floor((sorted.length - 1) * part)] ?? 0
  return value > limit ? [`The ${name} of the length of source files is ${value} lines: at most ${limit}.`] : []
}

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { runChild } from './child.mjs'

/** What `tools/test/reporter.cjs` ends with. */
const closingLine = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m
/** The line that begins what mocha says at the end of a run. */
const epilogueStart = /\d+ passing/

/**
 * Runs test files in two processes of mocha at once: most tests wait for other processes, which leaves a core idle. What both say at their ends comes
 * last, with one closing line for the whole suite.
 *
 * @param {string} mocha path of its program
 * @param {string[]} files
 * @returns {Promise<number>} exit code
 */
export async function runHalves(mocha, files) {
  // Every other file: those of one package are much alike, and no half gets all the long ones.
  const halves = [0, 1].map((first) => files.filter((_file, index) => index % 2 === first))
  // The first is shown while it runs, the other once that is over.
  const first = start(mocha, halves[0], (text) => process.stdout.write(text))
  let waiting = ''
  let isFirstDone = false
  const second = start(mocha, halves[1], (text) => {
    if (isFirstDone) process.stdout.write(text)
    else waiting += text
  })
  const results = [await first]
  isFirstDone = true
  process.stdout.write(waiting)
  results.push(await second)
  for (const { epilogue } of results) process.stdout.write(epilogue.replace(closingLine, '').trimEnd() + '\n')
  const counts = results.map(({ epilogue }) => closingLine.exec(epilogue)?.slice(1).map(Number))
  // Whoever was killed has no closing line: then there is none for the whole, either.
  if (counts.every((one) => one !== undefined)) {
    const [passed, failed, skipped] = counts.reduce((sum, one) => sum.map((count, index) => count + one[index]))
    process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`)
  }
  return results.find(({ code }) => code !== 0)?.code ?? 0
}

/** Shows what comes before the epilogue, and keeps the epilogue. */
async function start(mocha, files, show) {
  let epilogue = ''
  let line = ''
  function onOutput(chunk) {
    const lines = (line + chunk).split(/(?<=\n)/)
    line = lines.at(-1).endsWith('\n') ? '' : lines.pop()
    for (const one of lines) {
      if (epilogue !== '' || epilogueStart.test(one)) epilogue += one
      else show(one)
    }
  }
  const env = process.stdout.isTTY ? { ...process.env, FORCE_COLOR: '1' } : process.env
  const { code } = await runChild(process.execPath, [mocha, ...files], { env, onOutput })
  if (typeof code === 'string') epilogue += `A process of the tests was ended by ${code}\n`
  return { code: typeof code === 'number' ? code : 1, epilogue: epilogue + line }
}

/**
 * Every file below these folders whose name ends so, sorted.
 *
 * @param {string} root
 * @param {{ folder: string, ending: string }[]} places `folder` may have one `*` for all folders of that level
 */
export function listFiles(root, places) {
  const found = places.flatMap(({ folder, ending }) => {
    const [above, below = ''] = folder.split('*')
    const folders = folder.includes('*') ? readdirSync(join(root, above)).map((name) => above + name + below) : [folder]
    return folders.flatMap((one) => filesBelow(join(root, one)).filter((path) => path.endsWith(ending)))
  })
  return found.sort()
}

function filesBelow(folder) {
  let entries
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch {
    // A package without tests.
    return []
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesBelow(path)
    return [path]
  })
}

import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { CommandFailure } from '../exit-code.ts'

/** True where somebody can be asked: questions are written to standard error, answers read from standard input. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY
}

/** Asks a question that `y` or `yes` agrees to; anything else does not. @throws CommandFailure with exit code 130 on Ctrl-C */
export async function confirm(question: string): Promise<boolean> {
  return /^\s*y(es)?\s*$/i.test(await ask(`${question} [y/N] `, process.stderr))
}

/** Asks for a value without showing what is typed. @throws CommandFailure with exit code 130 on Ctrl-C */
export async function askHidden(question: string): Promise<string> {
  const answer = await ask(question, new Writable({ write: (_chunk, _encoding, done) => done() }))
  process.stderr.write('\n')
  return answer
}

function ask(question: string, echo: NodeJS.WritableStream): Promise<string> {
  // Before the question is there to be answered: until then the terminal itself shows what is typed.
  const lines = createInterface({ input: process.stdin, output: echo, terminal: true, historySize: 0 })
  if (echo !== process.stderr) process.stderr.write(question)
  return new Promise<string>((resolve, reject) => {
    lines.question(question, resolve)
    // Ctrl-C, and Ctrl-D in an empty line: nobody answered.
    lines.once('SIGINT', () => reject(stopped()))
    lines.once('close', () => reject(stopped()))
  }).finally(() => lines.close())
}

function stopped(): CommandFailure {
  process.stderr.write('\n')
  return new CommandFailure('Stopped: there was no answer, and nothing was changed', 130)
}

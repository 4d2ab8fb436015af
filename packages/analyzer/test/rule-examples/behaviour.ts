import type { RuleExamples } from './example.ts'

export const behaviour: readonly RuleExamples[] = [
  {
    rule: 'endless-loop',
    as: 'body',
    valid: [
      `for (;;) { if (input.done) break }`,
      `while (true) { if (input.done) return 1 }`,
      `while (true) { await input.next() }`,
      `outer: for (;;) { for (;;) { break outer } }`,
      `for (let i = 0; i < 5; i++) {}`,
      `while (input.more) {}`,
      `for (;;) { if (input.bad) throw new Error('x') }`,
      `for (;;) { for await (const x of input) { console.log(x) } }`,
    ],
    invalid: [
      `for (;;) {}`,
      `while (true) {}`,
      `while (1) { input.a++ }`,
      `do { input.a++ } while (!false)`,
      `for (;;) { for (const x of input) { if (x) break } }`,
      `for (;;) { switch (input) { case 1: break } }`,
      `for (;;) { input.forEach(() => { return 1 }) }`,
      `const on = true; while (on) { input() }`,
      `for (;;) { setTimeout(async () => { await input() }) }`,
      `while ([]) {}`,
    ],
  },
  {
    rule: 'endless-recursion',
    as: 'body',
    valid: [
      `function f(n) { return n === 0 ? 1 : f(n - 1) }; return f(5)`,
      `function f(n) { if (n === 0) return 1; return f(n - 1) }; return f(5)`,
      `const f = (n) => n > 0 && f(n - 1); return f(2)`,
      `function walk(node) { for (const child of node) walk(child) }; walk(input)`,
      `const f = (tree) => tree.map((child) => f(child)); return f(input)`,
      `function f() { f = () => 1; return f() }; return f()`,
      `const read = async () => { const part = await input(); if (part.done) return; return read() }; return read()`,
    ],
    invalid: [
      `function f() { return f() + 1 }; return f()`,
      `const f = () => f(); f()`,
      `const f = () => Promise.resolve().then(f); await f()`,
      `function tick() { queueMicrotask(tick) }; tick()`,
      `const spin = () => { input(); setImmediate(spin) }; spin()`,
    ],
  },
  {
    rule: 'no-blocking',
    as: 'body',
    valid: [`return Atomics.load(input, 0)`, `while (input.next()) {}`],
    invalid: [
      `Atomics.wait(input, 0, 0)`,
      `const t = Date.now(); while (Date.now() - t < 50);`,
      `for (const t = performance.now(); performance.now() < t + 5; ) {}`,
    ],
  },
  {
    rule: 'never-settles',
    as: 'body',
    valid: [`await new Promise((resolve) => setTimeout(resolve, 5))`, `return Promise.race([input, new Promise(() => {})])`],
    invalid: [`await new Promise(() => {})`],
  },
  {
    rule: 'invisible-characters',
    as: 'body',
    valid: [`return '👩\u200D👩\u200D👧'`, `return '\\u202e'`, `return 'שלום'`, `return '\\u0061'`],
    invalid: [
      `return '\u202Eabc'`,
      `const a\u200Db = 1; return a\u200Db`,
      `/* \u2066 */ return 1`,
      `const \\u0061 = 1; return a`,
      `const \u3164 = 1; return 1`,
    ],
  },
  {
    rule: 'prototype-keys',
    as: 'body',
    valid: [`return JSON.parse('{"a":1}')`],
    invalid: [`return JSON.parse('{"__proto__":{"a":1}}')`, `return JSON.parse('{"constructor":{"prototype":1}}')`],
  },
  {
    rule: 'undeclared-network',
    as: 'entry',
    valid: [
      `export const config = { net: ['a.example'] }\n/** @function */ export default () => fetch('https://a.example')`,
      `/** @function */ export default { fetch: () => new Response() }`,
      `/** @function */ export default (input: { fetch: () => void }) => input.fetch()`,
    ],
    invalid: [
      `/** @function */ export default () => fetch('https://a.example')`,
      `/** @function */ export default () => globalThis['fe' + 'tch']('x')`,
    ],
  },
]

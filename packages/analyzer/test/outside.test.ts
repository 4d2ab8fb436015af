import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { createAnalyzer } from '@cordon/analyzer'
import { PlatformError } from '@cordon/contracts'
import { expect } from 'chai'
import { options, upload } from './harness.ts'

const secret = 'theSecretOfTheHost'
const handler = '\n/** @function */ export default (input: unknown) => input'

/** What lies outside the upload: the same names in a folder that is there. Another folder of the same length is not. */
const outside: Readonly<Record<string, string>> = {
  'secret.js': `export default '${secret}'; export const ${secret} = 1`,
  'secret.ts': `export interface Secret { ${secret}: string }\nexport default '${secret}'`,
  'secret.d.ts': `export interface Secret { ${secret}: string }\ndeclare global { interface Global { ${secret}: string } }`,
  'secret.json': `{"${secret}":1,"compilerOptions":{"jsxImportSource":"${secret}","jsx":"react-jsx"}}`,
  'secret.md': secret,
  'secret.js.map': `{"version":3,"sources":["${secret}"],"sourcesContent":["${secret}"],"mappings":"AAAA"}`,
  'index.d.ts': `export interface Secret { ${secret}: string }`,
  'jsx-runtime.js': `export const jsx = '${secret}', jsxs = jsx, Fragment = jsx`,
  'package.json': `{"name":"${secret}","main":"secret.js","types":"secret.d.ts"}`,
  'node_modules/kept/package.json': `{"name":"kept","version":"1.0.0","main":"a.js"}`,
  'node_modules/kept/a.js': `export default '${secret}'; export const ${secret} = 1`,
}

type Files = Readonly<Record<string, string>>
/** How an upload points at a file: `at` is the folder as an absolute path, `up` as one relative to any folder of the upload. */
type Trick = (at: string, up: string) => string | Files

const code: Readonly<Record<string, Trick>> = {
  'a path to the parent': (_, up) => `export * from '${up}/secret.js'`,
  'a path to the parent without extension': (_, up) => `export * from '${up}/secret'`,
  'a path that goes in and out': (_, up) => `export * from './a/b/../../${up}/secret.js'`,
  'a folder': (_, up) => `export * from '${up}'`,
  'an absolute path': (at) => `export * from '${at}/secret.js'`,
  'an absolute path through /proc': (at) => `export * from '/proc/self/root${at}/secret.js'`,
  'a file URL': (at) => `export * from 'file://${at}/secret.js'`,
  'a file URL in capitals': (at) => `export * from 'FILE://localhost${at}/secret.js'`,
  'a percent-encoded path': (_, up) => `export * from '${up.replaceAll('.', '%2e')}/secret.js'`,
  backslashes: (_, up) => `export * from '${up.replaceAll('/', '\\\\')}\\\\secret.js'`,
  'a query': (_, up) => `export * from '${up}/secret.js?x'`,
  'a data URL': (at) => `export * from 'data:text/javascript,export * from "${at}/secret.js"'`,
  'a lazy import': (_, up) => `export const a = () => import('${up}/secret.js')`,
  'a template': (_, up) => `export const a = () => import(\`${up}/secret.js\`)`,
  'a computed import': (_, up) => `const k = 'secret'; export const a = () => import('${up}/' + k + '.js')`,
  'a computed template': (_, up) => `const k = 'secret'; export const a = () => import(\`${up}/\${k}.js\`)`,
  'a computed folder': (_, up) => `const k = 'secret'; export const a = () => import(\`${up}/../\${k}/secret.js\`)`,
  'a computed absolute import': (at) => `const k = 'secret'; export const a = () => import('${at}/' + k + '.js')`,
  'a computed import behind comments': (_, up) => `const k = 'secret'; export const a = () => import /* a */ (/* b */ '${up}/' + k /* c */)`,
  'a computed import with attributes': (_, up) => `const k = 'secret'; export const a = () => import('${up}/' + k, { with: { type: 'text' } })`,
  'a computed import under a condition': (_, up) => `const k = 'a'; export const a = () => import(k ? '${up}/secret.js' : '${up}/' + k)`,
  require: (_, up) => ({ 'index.cjs': `exports.a = require('${up}/secret.js')` }),
  'a computed require': (_, up) => ({ 'index.cjs': `const k = 'secret'; exports.a = () => require('${up}/' + k + '.js')` }),
  'a computed require behind an HTML comment': (_, up) => ({
    'index.cjs': `const k = 'secret'; exports.a = () => require <!-- c\n('${up}/' + k + '.js')`,
  }),
  'a computed import behind an HTML comment': (_, up) => ({
    'index.cjs': `const k = 'secret'; exports.a = () => import <!-- c\n('${up}/' + k + '.js')`,
  }),
  'a computed require with an escaped name': (_, up) => ({
    'index.cjs': `const k = 'secret'; exports.a = () => requir\\u0065('${up}/' + k + '.js')`,
  }),
  'an optional require': (_, up) => ({ 'index.cjs': `const k = 'secret'; exports.a = () => require?.('${up}/' + k + '.js')` }),
  'require.resolve': (_, up) => ({ 'index.cjs': `exports.a = () => require.resolve('${up}/secret.js')` }),
  'import.meta.resolve': (_, up) => `export const a = () => import.meta.resolve('${up}/secret.js')`,
  'a URL beside the file': (_, up) => `export const a = new URL('${up}/secret.js', import.meta.url)`,
  'a worker': (_, up) => `export const a = () => new Worker(new URL('${up}/secret.js', import.meta.url))`,
  text: (_, up) => `export { default as a } from '${up}/secret.md'`,
  'an attribute for text': (at) => `export { default as a } from '${at}/secret.js' with { type: 'text' }`,
  'an attribute for bytes': (_, up) => `export { default as a } from '${up}/secret.js' with { type: 'bytes' }`,
  'an attribute for JSON': (_, up) => `export { default as a } from '${up}/secret.json' with { type: 'json' }`,
  'an attribute that nobody knows': (_, up) => `export { default as a } from '${up}/secret.md' with { type: 'file' }`,
  'import equals': (_, up) => `import a = require('${up}/secret.js')\nexport const b = a`,
  'a style sheet': (_, up) => ({
    'index.ts': `export { default as a } from './a.css'`,
    'a.css': `@import "${up}/secret.md"; a { b: url(${up}/secret.md) }`,
  }),
  'a source map': (at) => `export const a = 1\n//# sourceMappingURL=${at}/secret.js.map`,
  'a source map beside the file': (_, up) => `export const a = 1\n//# sourceMappingURL=${up}/secret.js.map`,
  'a source map as a file URL': (at) => `export const a = 1\n//# sourceMappingURL=file://${at}/secret.js.map`,
  'a source map as a file URL in other comments': (at) => ({
    'index.ts': `import './a.js'\nimport './b.js'\nimport './c.js'\nimport './d.js'\nimport 'p'`,
    'a.js': `globalThis.a = 1\n//@ sourceMappingURL=file://${at}/secret.js.map`,
    'b.js': `globalThis.b = 1\n/*# sourceMappingURL=FILE://localhost${at}/secret.js.map */`,
    'c.js': `globalThis.c = 1\n//#\tsourceMappingURL=file:${at}/secret.js.map\n//# sourceMappingURL=data:,\n`,
    'd.js': `globalThis.d = \`\${1 /*# sourceMappingURL=file://${at}/secret.js.map*/}\``,
    'node_modules/p/package.json': '{"name":"p"}',
    'node_modules/p/index.js': `globalThis.p = 1\r//# sourceMappingURL=file://${at}/secret.js.map`,
  }),
  'a source map whose sources are outside': (at) =>
    `export const a = 1\n//# sourceMappingURL=data:application/json,${encodeURIComponent(`{"version":3,"sources":["${at}/secret.js"],"mappings":"AAAA"}`)}`,
}

const types: Readonly<Record<string, Trick>> = {
  'a reference to a file': (_, up) => `/// <reference path="${up}/secret.d.ts" />\nexport default (input: Global) => input`,
  'a reference to an absolute file': (at) => `/// <reference path="${at}/secret.d.ts" />\nexport default (input: Global) => input`,
  'a reference to types': (at) => `/// <reference types="${at}/secret" />\nexport default (input: Global) => input`,
  'a reference to types above': (_, up) => `/// <reference types="${up}/secret" />\nexport default (input: Global) => input`,
  'a reference to a library': (_, up) => `/// <reference lib="../${up}/secret" />\nexport default (input: Global) => input`,
  'a type import': (_, up) => `import type { Secret } from '${up}/secret.ts'\n/** @function */ export default (input: Secret) => input`,
  'a type import by absolute path': (at) => `import type { Secret } from '${at}/secret'\n/** @function */ export default (input: Secret) => input`,
  'a type import by URL': (at) => `import type { Secret } from 'file://${at}/secret.ts'\n/** @function */ export default (input: Secret) => input`,
  'a type import of a folder': (_, up) => `import type { Secret } from '${up}'\n/** @function */ export default (input: Secret) => input`,
  'an import type': (_, up) => `/** @function */ export default (input: import('${up}/secret').Secret) => input`,
  'typeof import': (at) => `/** @function */ export default (input: typeof import('${at}/secret.json')) => input`,
  'a re-exported type': (_, up) => `export type * from '${up}/secret'\n/** @function */ export default (input: import('./index').Secret) => input`,
  'an augmented module': (_, up) =>
    `declare module '${up}/secret' { interface Secret { b: 1 } }\n/** @function */ export default (input: import('${up}/secret').Secret) => input`,
  'a JSDoc type': (_, up) => ({ 'index.js': `/** @function\n * @param {import('${up}/secret').Secret} input */\nexport default (input) => input` }),
  'a JSDoc import': (at) => ({
    'index.js': `/** @import { Secret } from '${at}/secret' */\n/** @function\n * @param {Secret} input */\nexport default (input) => input`,
  }),
  'a JSDoc typedef': (_, up) => ({
    'index.js': `/** @typedef {import('${up}/secret').Secret} S */\n/** @function\n * @param {S} input */\nexport default (input) => input`,
  }),
  'a JSDoc require': (_, up) => ({
    'index.js': `const s = require('${up}/secret')\n/** @function\n * @param {s.Secret} input */\nexport default (input) => input`,
  }),
  'types of a package': (_, up) => ({
    'index.ts': `import type { Secret } from 'p'\n/** @function */ export default (input: Secret) => input`,
    'node_modules/p/package.json': `{"name":"p","types":"${up}/secret.d.ts","typings":"${up}/secret.d.ts"}`,
  }),
  'typesVersions of a package': (_, up) => ({
    'index.ts': `import type { Secret } from 'p/x'\n/** @function */ export default (input: Secret) => input`,
    'node_modules/p/package.json': `{"name":"p","typesVersions":{"*":{"*":["${up}/secret.d.ts"]}}}`,
  }),
  'types in exports of a package': (_, up) => ({
    'index.ts': `import type { Secret } from 'p'\n/** @function */ export default (input: Secret) => input`,
    'node_modules/p/package.json': `{"name":"p","exports":{"types":"./${up}/secret.d.ts","default":"./${up}/secret.js"}}`,
  }),
  'types in imports of the upload': (_, up) => ({
    'index.ts': `import type { Secret } from '#a'\n/** @function */ export default (input: Secret) => input`,
    'package.json': `{"imports":{"#a":"./${up}/secret.ts"}}`,
  }),
  'types of a package above': () => ({ 'index.ts': `import type { a } from 'kept'\n/** @function */ export default (input: typeof a) => input` }),
}

const settings: Readonly<Record<string, Trick>> = {
  'extends of tsconfig': (at) => ({ 'index.tsx': `export const a = <b/>`, 'tsconfig.json': `{"extends":"${at}/secret.json"}` }),
  'extends of tsconfig above': (_, up) => ({ 'index.tsx': `export const a = <b/>`, 'tsconfig.json': `{"extends":["${up}/secret.json"]}` }),
  'paths of tsconfig': (at) => ({
    'index.ts': `export * from '~/secret.js'\nexport type * from '~/secret.ts'`,
    'tsconfig.json': `{"compilerOptions":{"baseUrl":"${at}","paths":{"~/*":["${at}/*"]}}}`,
  }),
  'baseUrl of tsconfig': (at) => ({ 'index.ts': `export * from 'secret.js'`, 'tsconfig.json': `{"compilerOptions":{"baseUrl":"${at}"}}` }),
  'rootDirs of tsconfig': (at) => ({ 'index.ts': `export * from './secret.js'`, 'tsconfig.json': `{"compilerOptions":{"rootDirs":[".","${at}"]}}` }),
  'typeRoots and types of tsconfig': (at) => ({
    'index.ts': `export default (input: Global) => input`,
    'tsconfig.json': `{"compilerOptions":{"typeRoots":["${at}"],"types":["secret","${at}/secret"]},"files":["${at}/secret.d.ts"]}`,
  }),
  'plugins and references of tsconfig': (at) => ({
    'index.ts': `export const a = 1`,
    'tsconfig.json': `{"compilerOptions":{"plugins":[{"name":"${at}/secret.js"}]},"references":[{"path":"${at}"}]}`,
  }),
  'jsxImportSource of tsconfig': (at) => ({
    'index.tsx': `export const a = <b/>`,
    'tsconfig.json': `{"compilerOptions":{"jsx":"react-jsx","jsxImportSource":"${at}"}}`,
  }),
  'jsxImportSource by pragma': (at) => ({ 'index.tsx': `/** @jsxImportSource ${at} */\nexport const a = <b/>` }),
  'jsxImportSource above': (_, up) => ({ 'index.tsx': `/** @jsxImportSource ${up} */\nexport const a = <b/>` }),
  jsconfig: (at) => ({ 'index.js': `export * from '~/secret.js'`, 'jsconfig.json': `{"compilerOptions":{"paths":{"~/*":["${at}/*"]}}}` }),
  'main of the upload': (_, up) => ({ 'index.ts': 'export const a = 1', 'package.json': `{"main":"${up}/secret.js","module":"${up}/secret.js"}` }),
  'imports of the upload': (_, up) => ({ 'index.ts': `export * from '#a'`, 'package.json': `{"imports":{"#a":"./${up}/secret.js"}}` }),
  'imports of the upload, absolute': (at) => ({ 'index.ts': `export * from '#a'`, 'package.json': `{"imports":{"#a":"${at}/secret.js"}}` }),
  'imports of the upload, by pattern': (_, up) => ({ 'index.ts': `export * from '#${up}/secret.js'`, 'package.json': `{"imports":{"#*":"./*"}}` }),
  'exports of the upload': (_, up) => ({ 'index.ts': `export * from 'me/x'`, 'package.json': `{"name":"me","exports":{"./x":"./${up}/secret.js"}}` }),
}

const packages: Readonly<Record<string, Trick>> = {
  ...inPackage('main', (_, up) => `"main":"${up}/secret.js"`),
  ...inPackage('main, absolute', (at) => `"main":"${at}/secret.js"`),
  ...inPackage('module', (_, up) => `"module":"${up}/secret.js"`),
  ...inPackage('browser', (at) => `"main":"a.js","browser":{"./a.js":"${at}/secret.js"}`),
  ...inPackage('exports', (_, up) => `"exports":"./${up}/secret.js"`),
  ...inPackage('exports, absolute', (at) => `"exports":"${at}/secret.js"`),
  ...inPackage('exports, as a URL', (at) => `"exports":"file://${at}/secret.js"`),
  'a path behind the name of a package': (_, up) => ({
    'index.ts': `export * from 'p/${up}/secret.js'`,
    'node_modules/p/package.json': '{"name":"p"}',
  }),
  'a pattern of exports': (_, up) => ({
    'index.ts': `export * from 'p/${up}/secret.js'`,
    'node_modules/p/package.json': '{"name":"p","exports":{"./*":"./*"}}',
  }),
  'a computed require in a package': (_, up) => ({
    'index.ts': `import 'p'`,
    'node_modules/p/index.js': `const k = 'secret'; exports.a = () => require <!-- c\n('${up}/' + k + '.js')`,
  }),
  'a computed import in a package': (_, up) => ({
    'index.ts': `import 'p'`,
    'node_modules/p/index.js': `const k = 'secret'; exports.a = () => import <!-- c\n('${up}/' + k + '.js')`,
  }),
  'a package that the host has and does not allow': () => `export * from 'kept'`,
  'a name with a path': (_, up) => `export * from '@a/${up}/secret.js'`,
  'a package above': (_, up) => `export * from 'linked/${up}/secret.js'`,
}

function inPackage(name: string, fields: Trick): Record<string, Trick> {
  return {
    [`${name} of a package`]: (at, up) => ({
      'index.ts': `export * from 'p'`,
      'node_modules/p/package.json': `{"name":"p","version":"1.0.0",${String(fields(at, up))}}`,
      'node_modules/p/a.js': 'export const a = 1',
    }),
  }
}

/** What a symbolic link in an allowed package leads to, and how an upload asks for it. */
const links: Readonly<Record<string, Trick>> = {
  'a link to a file': () => `export * from 'linked/link.js'`,
  'a link to a folder': () => `export * from 'linked/folder/secret.js'`,
  'a link for text': () => `export { default as a } from 'linked/link.js' with { type: 'text' }`,
  'a link to types': () => `import type { Secret } from 'linked/folder/secret'\n/** @function */ export default (input: Secret) => input`,
  'a file above': () => `export * from 'linked/up.js'`,
  'a package inside of one': () => `export * from 'linked/node_modules/kept/a.js'`,
}

describe('an upload learns nothing of what lies outside of it', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  const folder = mkdtempSync(join(tmpdir(), 'cordon-outside-'))
  before(() => analyzer.warm())
  after(() => analyzer.close())
  after(() => rmSync(folder, { recursive: true }))

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }

  before(() => {
    for (const [path, text] of Object.entries(outside)) write(`there/${path}`, text)
    for (const host of ['there', 'empty']) {
      const target = host === 'there' ? 'there' : 'gones'
      write(`${host}/inner/node_modules/linked/package.json`, '{"name":"linked","version":"1.0.0"}')
      write(`${host}/inner/node_modules/linked/up.js`, `export * from '../../../../${target}/secret.js'`)
      if (host === 'there') write(`${host}/inner/node_modules/linked/node_modules/kept/a.js`, `export default '${secret}'`)
      symlinkSync(join(folder, target, 'secret.js'), join(folder, host, 'inner/node_modules/linked/link.js'))
      symlinkSync(join(folder, target), join(folder, host, 'inner/node_modules/linked/folder'))
    }
  })

  /** Everything that the analyzer says and bundles when it refuses as little as it can, without what differs by itself. */
  async function answerTo(trick: Trick, host: 'there' | 'empty'): Promise<string> {
    const at = join(folder, host === 'there' ? 'there' : 'gones')
    const made = trick(at, `${'../'.repeat(30)}${relative('/', at)}`)
    const files = typeof made === 'string' ? { 'index.ts': made } : made
    const withHandler = Object.fromEntries(
      Object.entries(files).map(([path, text]) => {
        const isEntry = path.startsWith('index.') && !text.includes('export default')
        if (!isEntry) return [path, text]
        return [
          path,
          text +
            (path.endsWith('.cjs')
              ? '\n/** @function */ exports.default = () => 1'
              : path.endsWith('.js')
                ? '\n/** @function */ export default () => 1'
                : handler),
        ]
      }),
    )
    const change = { from: join(folder, host, 'inner'), allow: ['linked', 'p'], enforce: false }
    const answer = await analyzer.analyze(upload(withHandler), options(change)).catch((error: unknown) => {
      if (error instanceof PlatformError) return { code: error.code, message: error.message }
      throw error
    })
    const text = JSON.stringify(answer)
    expect(text).not.to.include(secret)
    return text.replaceAll(/there|gones/g, 'X').replaceAll(/"hash":"\w+"/g, '')
  }

  for (const [group, tricks] of Object.entries({ code, types, settings, packages, links })) {
    describe(`by ${group}`, () => {
      for (const [name, trick] of Object.entries(tricks)) {
        it(name, async () => {
          expect(await answerTo(trick, 'there')).to.equal(await answerTo(trick, 'empty'))
        })
      }
    })
  }
})

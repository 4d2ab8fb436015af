const files = 'functions have no files; keep data in ctx.db, and import JSON and text files that are part of the upload'
const outbound = 'use the global fetch'
const database = 'use ctx.db'
const processes = 'a function is one process; call other functions with ctx.functions'
const inbound = 'the platform receives requests; export an object with a fetch method, for example a Hono app'
const engine = 'functions have no access to the engine or the machine; leave it out'
const settings = 'values of `config.env` are in ctx.env, secrets in ctx.secrets'
const logging = 'use ctx.log or console'

/** What to use instead of a module, by its name without `node:`. Shown in every refusal of an import. */
const remedies: ReadonlyMap<string, string> = new Map([
  ...entries(['fs', 'fs/promises', 'fs-extra', 'graceful-fs', 'glob', 'fast-glob', 'rimraf', 'chokidar'], files),
  ...entries(['http', 'https', 'http2', 'net', 'tls', 'dgram', 'dns', 'dns/promises', 'quic', 'ws'], outbound),
  ...entries(['axios', 'node-fetch', 'undici', 'got', 'ky', 'request', 'superagent', 'needle', 'cross-fetch'], outbound),
  ...entries(
    ['pg', 'pg-pool', 'postgres', 'mysql', 'mysql2', 'sqlite', 'sqlite3', 'better-sqlite3', 'mongodb', 'mongoose', 'redis', 'ioredis'],
    database,
  ),
  ...entries(['@prisma/client', 'typeorm', 'sequelize', 'knex', 'drizzle-orm', 'kysely', '@libsql/client'], database),
  ...entries(['child_process', 'cluster', 'worker_threads', 'execa', 'zx', 'cross-spawn', 'piscina', 'tinypool'], processes),
  ...entries(['express', 'koa', 'fastify', '@hapi/hapi', 'restify', 'polka'], inbound),
  ...entries(
    ['os', 'v8', 'vm', 'vm2', 'inspector', 'inspector/promises', 'repl', 'wasi', 'trace_events', 'diagnostics_channel', 'sea', 'test', 'readline'],
    engine,
  ),
  ...entries(['module'], 'write a plain import'),
  ...entries(['process'], 'use the global process.env, or ctx.env'),
  ...entries(['console'], 'use the global console'),
  ...entries(['dotenv', 'dotenv/config'], settings),
  ...entries(['winston', 'pino', 'bunyan', 'log4js'], logging),
  ...entries(['@cordon/core', '@cordon/contracts'], 'these are types only; write `import type`'),
])

/** What to use instead of the module `name` (a built-in without `node:`, or a package); `undefined` when nothing stands in for it. */
export function remedyFor(name: string): string | undefined {
  return remedies.get(name) ?? remedies.get(name.split('/')[0] ?? name)
}

function entries(names: readonly string[], remedy: string): [string, string][] {
  return names.map((name) => [name, remedy])
}

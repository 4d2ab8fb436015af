import { reservedEnvironmentName } from '@cordon/contracts'
import { givenEnvironment } from '../manifest/capability-names.ts'
import type { Rule } from './rule.ts'

/** Secrets are read by name, or declared. */
export const undeclaredSecret: Rule = {
  id: 'undeclared-secret',
  severity: 'warn',
  summary: 'Secrets are read by a name that stands in the code, or are named in config.secrets.',
  check({ uses, config, report }) {
    if (config.secrets.length > 0) return
    for (const { kind, name, node } of uses) {
      if (kind !== 'secret' || name !== undefined) continue
      report(
        node,
        "The name of this secret cannot be read from the code, so it is not granted. Declare it: `export const config = { secrets: ['API_KEY'] }`.",
      )
    }
  },
}

/** Other functions are called by name, or declared. */
export const undeclaredFunction: Rule = {
  id: 'undeclared-function',
  severity: 'warn',
  summary: 'Functions are called by a name that stands in the code, or are named in config.functions.',
  check({ uses, config, report }) {
    if (config.functions.length > 0) return
    for (const { kind, name, node } of uses) {
      if (kind !== 'function' || name !== undefined) continue
      report(
        node,
        "The name of this function cannot be read from the code, so calling it is not granted. Declare it: `export const config = { functions: ['send-mail'] }`.",
      )
    }
  },
}

/** Environment values that are read are set. */
export const undeclaredEnvironment: Rule = {
  id: 'undeclared-env',
  severity: 'warn',
  summary: 'Environment values that the code reads are set in config.env.',
  check({ uses, config, report }) {
    const reported = new Set<string>()
    for (const { kind, name, node } of uses) {
      if (kind !== 'env' || name === undefined || reported.has(name) || givenEnvironment.has(name) || Object.hasOwn(config.env, name)) continue
      reported.add(name)
      const remedy = reservedEnvironmentName.test(name)
        ? 'The name is reserved for the platform, so nobody can set it. Read a value of another name.'
        : `Set it: \`export const config = { env: { ${name}: '…' } }\`.`
      report(node, `The environment value ${name} is not set, so it is undefined: functions do not see the environment of the host. ${remedy}`)
    }
  },
}

/** The database is used by its name, and is not declined. */
export const undeclaredDatabase: Rule = {
  id: 'undeclared-database',
  severity: 'warn',
  summary: 'Members of the context are used by name, and ctx.db only without database: false in config.',
  check({ uses, config, report }) {
    for (const { kind, name, node } of uses) {
      if (kind !== 'database') continue
      if (name !== undefined && config.database === false) {
        report(node, 'ctx.db is used and config says database: false, so every query is denied. Leave one of them out.')
      } else if (name === undefined && config.database === undefined) {
        report(
          node,
          'A computed member of the context is used, so what it needs cannot be seen and is not granted. Write ctx.db, or `export const config = { database: true }`.',
        )
      }
    }
  },
}

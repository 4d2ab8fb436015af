/**
 * Ids of everything that the analyzer checks and whose severity a host may set. What always refuses a deployment (no entry file, a syntax
 * error, nothing exported) is not among them. They stand here so that an option is checked before the analyzer, with its compiler, is loaded.
 */
export const ruleIds: readonly string[] = [
  'config-keys',
  'config-literal',
  'config-schema',
  'constructor-calls',
  'context-members',
  'context-walk',
  'endless-loop',
  'endless-patterns',
  'endless-recursion',
  'engine-internals',
  'function-marker',
  'global-access',
  'global-values',
  'handler-shape',
  'hidden-names',
  'imports',
  'invisible-characters',
  'large-values',
  'literal-imports',
  'never-settles',
  'no-blocking',
  'no-eval',
  'no-string-timers',
  'no-tampering',
  'no-webassembly',
  'package-imports',
  'package-requires',
  'plain-results',
  'process-access',
  'prototype-keys',
  'schema-types',
  'secret-names',
  'types',
  'unavailable-globals',
  'undeclared-database',
  'undeclared-env',
  'undeclared-function',
  'undeclared-network',
  'undeclared-secret',
  'written-secrets',
]

/** The id of a rule of a host: a name of its own before the slash, so that it never meets one of ours. */
export const hostRuleId = /^[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*$/

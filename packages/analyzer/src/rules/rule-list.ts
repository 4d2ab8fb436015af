import { endlessPatterns } from './endless-patterns.ts'
import { secretNames, writtenSecrets } from './written-secrets.ts'
import { unavailableGlobals } from './unavailable-globals.ts'
import { plainResults } from './plain-results.ts'
import { languageHooks } from './language-hooks.ts'
import { largeValues } from './large-values.ts'
import { hiddenNames } from './hidden-names.ts'
import { engineInternals } from './engine-internals.ts'
import { contextWalk } from './context-walk.ts'
import { configKeys, configLiteral } from './config-literal.ts'
import { contextMembers } from './context-members.ts'
import { endlessLoop, endlessRecursion } from './endless-loop.ts'
import { functionMarker } from './function-marker.ts'
import { globalAccess } from './global-access.ts'
import { globalValues } from './global-values.ts'
import { handlerShape } from './handler-shape.ts'
import { imports, literalImports } from './imports.ts'
import { invisibleCharacters } from './invisible-characters.ts'
import { noConstructorCalls, noEval } from './no-eval.ts'
import { noStringTimers } from './no-string-timers.ts'
import { noTampering } from './no-tampering.ts'
import { noWebAssembly } from './no-webassembly.ts'
import { processAccess } from './process-access.ts'
import { prototypeKeys } from './prototype-keys.ts'
import type { Rule } from './rule.ts'
import { undeclaredDatabase, undeclaredEnvironment, undeclaredFunction, undeclaredSecret } from './undeclared-names.ts'
import { undeclaredNetwork } from './undeclared-network.ts'
import { neverSettles, noBlocking } from './waiting.ts'

/** All rules, in the order in which they are checked. */
export const ruleList: readonly Rule[] = [
  functionMarker,
  handlerShape,
  configLiteral,
  configKeys,
  imports,
  literalImports,
  noEval,
  noConstructorCalls,
  noStringTimers,
  noWebAssembly,
  processAccess,
  globalAccess,
  globalValues,
  noTampering,
  endlessLoop,
  endlessRecursion,
  endlessPatterns,
  noBlocking,
  neverSettles,
  invisibleCharacters,
  prototypeKeys,
  hiddenNames,
  writtenSecrets,
  secretNames,
  undeclaredNetwork,
  undeclaredSecret,
  undeclaredFunction,
  undeclaredEnvironment,
  undeclaredDatabase,
  unavailableGlobals,
  engineInternals,
  languageHooks,
  largeValues,
  plainResults,
  contextWalk,
  contextMembers,
]

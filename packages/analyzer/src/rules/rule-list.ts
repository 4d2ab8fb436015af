import { configKeys, configLiteral } from './config-literal.ts'
import { functionMarker } from './function-marker.ts'
import { handlerShape } from './handler-shape.ts'
import { imports, literalImports } from './imports.ts'
import type { Rule } from './rule.ts'

/** All rules, in the order in which they are checked. */
export const ruleList: readonly Rule[] = [functionMarker, handlerShape, configLiteral, configKeys, imports, literalImports]

import { isWhole, ranks, schemaOnly, type DefinitionQuery } from './definition.ts'

/** `, NAME = value` for a function that an aggregate or operator may have. */
function optionalFunction(word: string, column: string): string {
  return `CASE WHEN ${column} = 0 THEN '' ELSE ', ${word} = ' || ${column}::regproc::text END`
}

function optionalValue(word: string, column: string, format: string): string {
  return `CASE WHEN ${column} IS NULL THEN '' ELSE format(', ${word} = ${format}', ${column}) END`
}

function modify(word: string, column: string): string {
  return `', ${word} = ' || CASE ${column} WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END`
}

const aggregates = `SELECT 'pg_proc'::regclass::oid, p.oid, NULL, to_json(ARRAY[
  format('CREATE AGGREGATE %I.%I(%s) (SFUNC = %s, STYPE = %s', n.nspname, p.proname,
    CASE WHEN p.pronargs = 0 THEN '*' ELSE pg_get_function_arguments(p.oid) END, a.aggtransfn::regproc, format_type(a.aggtranstype, NULL))
  || ${optionalValue('SSPACE', 'nullif(a.aggtransspace, 0)', '%s')} || ${optionalFunction('FINALFUNC', 'a.aggfinalfn')}
  || CASE WHEN a.aggfinalextra THEN ', FINALFUNC_EXTRA' ELSE '' END || ${modify('FINALFUNC_MODIFY', 'a.aggfinalmodify')}
  || ${optionalFunction('COMBINEFUNC', 'a.aggcombinefn')} || ${optionalFunction('SERIALFUNC', 'a.aggserialfn')}
  || ${optionalFunction('DESERIALFUNC', 'a.aggdeserialfn')} || ${optionalValue('INITCOND', 'a.agginitval', '%L')}
  || CASE WHEN a.aggmtransfn = 0 THEN '' ELSE ', MSFUNC = ' || a.aggmtransfn::regproc::text || ', MINVFUNC = ' || a.aggminvtransfn::regproc::text
    || ', MSTYPE = ' || format_type(a.aggmtranstype, NULL) || ${optionalValue('MSSPACE', 'nullif(a.aggmtransspace, 0)', '%s')}
    || ${optionalFunction('MFINALFUNC', 'a.aggmfinalfn')} || CASE WHEN a.aggmfinalextra THEN ', MFINALFUNC_EXTRA' ELSE '' END
    || ${modify('MFINALFUNC_MODIFY', 'a.aggmfinalmodify')} || ${optionalValue('MINITCOND', 'a.aggminitval', '%L')} END
  || CASE WHEN a.aggsortop = 0 THEN '' ELSE (SELECT format(', SORTOP = OPERATOR(%I.%s)', s.nspname, o.oprname)
      FROM pg_operator o JOIN pg_namespace s ON s.oid = o.oprnamespace WHERE o.oid = a.aggsortop) END
  || CASE p.proparallel WHEN 's' THEN ', PARALLEL = SAFE' WHEN 'r' THEN ', PARALLEL = RESTRICTED' ELSE '' END
  || CASE WHEN a.aggkind = 'h' THEN ', HYPOTHETICAL)' ELSE ')' END])
  FROM pg_aggregate a, pg_proc p, ${schemaOnly} AND p.pronamespace = n.oid AND a.aggfnoid = p.oid AND ${isWhole('pg_proc', 'p.oid')}`

function otherOperator(word: string, column: string): string {
  return `coalesce((SELECT format(', ${word} = OPERATOR(%I.%s)', s.nspname, x.oprname)
    FROM pg_operator x JOIN pg_namespace s ON s.oid = x.oprnamespace WHERE x.oid = ${column}), '')`
}

// One without a function was only named so far, as the commutator or negator of another.
const operators = `SELECT 'pg_operator'::regclass::oid, o.oid, NULL, to_json(ARRAY[
  format('CREATE OPERATOR %I.%s (FUNCTION = %s', n.nspname, o.oprname, o.oprcode)
  || CASE WHEN o.oprleft = 0 THEN '' ELSE ', LEFTARG = ' || format_type(o.oprleft, NULL) END
  || CASE WHEN o.oprright = 0 THEN '' ELSE ', RIGHTARG = ' || format_type(o.oprright, NULL) END
  || ${otherOperator('COMMUTATOR', 'o.oprcom')} || ${otherOperator('NEGATOR', 'o.oprnegate')}
  || ${optionalFunction('RESTRICT', 'o.oprrest')} || ${optionalFunction('JOIN', 'o.oprjoin')}
  || CASE WHEN o.oprcanhash THEN ', HASHES' ELSE '' END || CASE WHEN o.oprcanmerge THEN ', MERGES)' ELSE ')' END])
  FROM pg_operator o, ${schemaOnly} AND o.oprnamespace = n.oid AND o.oprcode <> 0 AND ${isWhole('pg_operator', 'o.oid')}`

const casts = `SELECT 'pg_cast'::regclass::oid, c.oid, NULL, to_json(ARRAY[
  format('CREATE CAST (%s AS %s) ', format_type(c.castsource, NULL), format_type(c.casttarget, NULL))
  || CASE c.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || c.castfunc::regprocedure::text WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END
  || CASE c.castcontext WHEN 'i' THEN ' AS IMPLICIT' WHEN 'a' THEN ' AS ASSIGNMENT' ELSE '' END])
  FROM pg_cast c, ${schemaOnly} AND ${isWhole('pg_cast', 'c.oid')}
    AND EXISTS (SELECT FROM pg_type t WHERE t.oid IN (c.castsource, c.casttarget) AND t.typnamespace = n.oid)`

/** Functions, and what calls them: aggregates, operators, casts. */
export const functionDefinitions: readonly DefinitionQuery[] = [
  {
    rank: ranks.function,
    text: `SELECT 'pg_proc'::regclass::oid, p.oid, NULL, to_json(ARRAY[pg_get_functiondef(p.oid)])
      FROM pg_proc p, ${schemaOnly} AND p.pronamespace = n.oid AND p.prokind <> 'a' AND ${isWhole('pg_proc', 'p.oid')}`,
  },
  { rank: ranks.operator, text: aggregates },
  { rank: ranks.operator, text: operators },
  { rank: ranks.operator, text: casts },
]

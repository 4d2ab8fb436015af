/** Something of a tenant that is made by statements. */
export interface Definition {
  /** Catalogue and row, for example `1259/16384`; parts that are no row of their own have a word instead of the catalogue. */
  readonly key: string
  /** What comes earlier when nothing else decides; see `ranks`. */
  readonly rank: number
  /** Keys of what has to be there before, besides what the catalogue of dependencies says. */
  readonly needs: readonly string[]
  readonly statements: readonly string[]
}

/**
 * The usual order. Rows come before whatever could refuse or change them (constraints, triggers, policies), and before what is built from
 * them faster at once (indexes).
 */
export const ranks = {
  type: 1,
  function: 2,
  operator: 3,
  sequence: 3,
  table: 4,
  column: 5,
  rows: 6,
  index: 7,
  view: 8,
  check: 8,
  reference: 9,
  refresh: 10,
  rule: 11,
}

/**
 * A query for definitions: `$1` is the schema. It gives catalogue, oid, the oid of the table whose rows have to be there before (or NULL), and the
 * statements as a JSON list.
 */
export interface DefinitionQuery {
  readonly rank: number
  readonly text: string
}

/** A condition: the object does not belong to an extension, which brings it along. */
export function isOwn(catalogue: string, oid: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalogue}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`
}

/** A condition: the object does not come with another one, as the constructors of a range type do. */
export function isWhole(catalogue: string, oid: string): string {
  return `${isOwn(catalogue, oid)} AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = '${catalogue}'::regclass AND i.objid = ${oid} AND i.deptype = 'i')`
}

/** The schema of a tenant, as `n`. */
export const schemaOnly = 'pg_namespace n WHERE n.nspname = $1'

/** ` COLLATE …` where it is not that of the type. */
export function collation(of: string, type: string): string {
  return `CASE WHEN ${of} <> 0 AND ${of} <> (SELECT ct.typcollation FROM pg_type ct WHERE ct.oid = ${type}) THEN ' COLLATE ' || ${of}::regcollation::text ELSE '' END`
}

/** `name = 'value', …` of a list of options, or NULL. */
export function optionList(options: string, prefix = ''): string {
  return `(SELECT string_agg(format('${prefix}%I = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') FROM unnest(${options}) o)`
}

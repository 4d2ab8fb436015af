import { collation, isOwn, ranks, schemaOnly, type DefinitionQuery } from './definition.ts'

/** `FROM` a catalogue of types and the like, those of the schema. */
function ofSchema(catalogue: string, alias: string, namespace: string, more: string): string {
  return `${catalogue} ${alias}, ${schemaOnly} AND ${alias}.${namespace} = n.oid AND ${isOwn(catalogue, `${alias}.oid`)} ${more}`
}

function query(rank: number, catalogue: string, oid: string, statements: string, from: string): DefinitionQuery {
  return { rank, text: `SELECT '${catalogue}'::regclass::oid, ${oid}, NULL, to_json(array_remove(ARRAY[${statements}], NULL)) FROM ${from}` }
}

const enums = `format('CREATE TYPE %I.%I AS ENUM (%s)', n.nspname, t.typname,
  (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))`

const composites = `format('CREATE TYPE %I.%I AS (%s)', n.nspname, t.typname,
  (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) || ${collation('a.attcollation', 'a.atttypid')}, ', ' ORDER BY a.attnum)
    FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))`

const domains = `format('CREATE DOMAIN %I.%I AS %s', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod))
  || ${collation('t.typcollation', 't.typbasetype')}
  || CASE WHEN t.typdefaultbin IS NULL THEN '' ELSE ' DEFAULT ' || pg_get_expr(t.typdefaultbin, 0) END
  || CASE WHEN t.typnotnull THEN coalesce((SELECT format(' CONSTRAINT %I', conname) FROM pg_constraint WHERE contypid = t.oid AND contype = 'n'), '') || ' NOT NULL' ELSE '' END`

// A function that makes ranges canonical can be written in C only.
const ranges = `format('CREATE TYPE %I.%I AS RANGE (SUBTYPE = %s, SUBTYPE_OPCLASS = %I.%I, MULTIRANGE_TYPE_NAME = %I.%I', n.nspname, t.typname,
    format_type(r.rngsubtype, NULL), (SELECT nspname FROM pg_namespace WHERE oid = o.opcnamespace), o.opcname, n.nspname, m.typname)
  || CASE WHEN r.rngcollation = 0 THEN '' ELSE ', COLLATION = ' || r.rngcollation::regcollation::text END
  || CASE WHEN r.rngsubdiff = 0 THEN '' ELSE ', SUBTYPE_DIFF = ' || r.rngsubdiff::regproc::text END || ')'`

// Columns that not every version of PostgreSQL has are read as JSON.
const collations = `format('CREATE COLLATION %I.%I (PROVIDER = %s', n.nspname, c.collname,
    CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END)
  || CASE WHEN c.collprovider = 'c' THEN format(', LC_COLLATE = %L, LC_CTYPE = %L', c.collcollate, c.collctype)
    ELSE format(', LOCALE = %L', coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate)) END
  || CASE WHEN to_jsonb(c) ->> 'collicurules' IS NULL THEN '' ELSE format(', RULES = %L', to_jsonb(c) ->> 'collicurules') END
  || CASE WHEN c.collisdeterministic THEN ')' ELSE ', DETERMINISTIC = false)' END`

const dictionaries = `format('CREATE TEXT SEARCH DICTIONARY %I.%I (TEMPLATE = %I.%I', n.nspname, d.dictname,
    (SELECT nspname FROM pg_namespace WHERE oid = p.tmplnamespace), p.tmplname)
  || CASE WHEN d.dictinitoption IS NULL THEN ')' ELSE ', ' || d.dictinitoption || ')' END`

const configurations = `SELECT 'pg_ts_config'::regclass::oid, c.oid, NULL, to_json(ARRAY[
    format('CREATE TEXT SEARCH CONFIGURATION %I.%I (PARSER = %I.%I)', n.nspname, c.cfgname, (SELECT nspname FROM pg_namespace WHERE oid = p.prsnamespace), p.prsname)]
  || ARRAY(SELECT format('ALTER TEXT SEARCH CONFIGURATION %I.%I ADD MAPPING FOR %I WITH %s', n.nspname, c.cfgname, k.alias,
        string_agg(format('%I.%I', (SELECT nspname FROM pg_namespace WHERE oid = d.dictnamespace), d.dictname), ', ' ORDER BY m.mapseqno))
      FROM pg_ts_config_map m JOIN pg_ts_dict d ON d.oid = m.mapdict JOIN ts_token_type(c.cfgparser) k ON k.tokid = m.maptokentype
      WHERE m.mapcfg = c.oid GROUP BY k.alias ORDER BY k.alias))
  FROM pg_ts_parser p, ${ofSchema('pg_ts_config', 'c', 'cfgnamespace', 'AND p.oid = c.cfgparser')}`

const domainChecks = `SELECT 'pg_constraint'::regclass::oid, c.oid, NULL,
    to_json(ARRAY[format('ALTER DOMAIN %I.%I ADD CONSTRAINT %I %s', n.nspname, t.typname, c.conname, pg_get_constraintdef(c.oid))])
  FROM pg_constraint c, ${ofSchema('pg_type', 't', 'typnamespace', "AND c.contypid = t.oid AND c.contype = 'c'")}`

/** Types, and what belongs to texts and their comparison. */
export const typeDefinitions: readonly DefinitionQuery[] = [
  query(ranks.type, 'pg_collation', 'c.oid', collations, ofSchema('pg_collation', 'c', 'collnamespace', '')),
  query(ranks.type, 'pg_type', 't.oid', enums, ofSchema('pg_type', 't', 'typnamespace', "AND t.typtype = 'e'")),
  query(
    ranks.type,
    'pg_type',
    't.oid',
    composites,
    ofSchema('pg_type', 't', 'typnamespace', "AND t.typtype = 'c' AND EXISTS (SELECT FROM pg_class k WHERE k.oid = t.typrelid AND k.relkind = 'c')"),
  ),
  query(ranks.type, 'pg_type', 't.oid', domains, ofSchema('pg_type', 't', 'typnamespace', "AND t.typtype = 'd'")),
  query(
    ranks.type,
    'pg_type',
    't.oid',
    ranges,
    `pg_range r, pg_opclass o, pg_type m, ${ofSchema('pg_type', 't', 'typnamespace', 'AND r.rngtypid = t.oid AND o.oid = r.rngsubopc AND m.oid = r.rngmultitypid AND r.rngcanonical = 0')}`,
  ),
  // After the rows, which may break one that is not validated, or depends on the time.
  { rank: ranks.check, text: domainChecks },
  query(
    ranks.operator,
    'pg_ts_dict',
    'd.oid',
    dictionaries,
    `pg_ts_template p, ${ofSchema('pg_ts_dict', 'd', 'dictnamespace', 'AND p.oid = d.dicttemplate')}`,
  ),
  { rank: ranks.operator, text: configurations },
  query(
    ranks.operator,
    'pg_conversion',
    'c.oid',
    `format('CREATE %sCONVERSION %I.%I FOR %L TO %L FROM %s', CASE WHEN c.condefault THEN 'DEFAULT ' ELSE '' END, n.nspname, c.conname,
      pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc::regproc)`,
    ofSchema('pg_conversion', 'c', 'connamespace', ''),
  ),
]

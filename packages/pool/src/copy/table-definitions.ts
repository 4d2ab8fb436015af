import { collation, isOwn, optionList, ranks, schemaOnly, type DefinitionQuery } from './definition.ts'

/** Relations of the schema, as `c`. */
function relations(kinds: string, more = ''): string {
  return `pg_class c, ${schemaOnly} AND c.relnamespace = n.oid AND c.relkind IN (${kinds}) AND ${isOwn('pg_class', 'c.oid')} ${more}`
}

/** The options of a sequence `q`. */
const sequenceOptions = `format('START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s', q.seqstart, q.seqincrement, q.seqmin, q.seqmax,
  q.seqcache, CASE WHEN q.seqcycle THEN ' CYCLE' ELSE '' END)`

/** Whether a sequence `c` belongs to an identity column, which makes it. */
const isIdentity = `EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_class'::regclass AND i.objid = c.oid AND i.deptype = 'i' AND i.refclassid = 'pg_class'::regclass)`

const sequences = `SELECT 'pg_class'::regclass::oid, c.oid, NULL, to_json(ARRAY[
    format('CREATE %sSEQUENCE %I.%I AS %s ', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, n.nspname, c.relname, format_type(q.seqtypid, NULL)) || ${sequenceOptions}])
  FROM pg_sequence q, ${relations("'S'", `AND q.seqrelid = c.oid AND NOT ${isIdentity}`)}`

// The sequence of an identity column belongs to a partition only where the partition had it before it was one.
const identity = `coalesce((SELECT format(' GENERATED %s AS IDENTITY (SEQUENCE NAME %I.%I ', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END,
    n.nspname, s.relname) || ${sequenceOptions} || ')'
  FROM pg_depend i JOIN pg_class s ON s.oid = i.objid AND s.relkind = 'S' JOIN pg_sequence q ON q.seqrelid = s.oid
  WHERE i.classid = 'pg_class'::regclass AND i.deptype = 'i' AND i.refclassid = 'pg_class'::regclass AND i.refobjid = a.attrelid AND i.refobjsubid = a.attnum), '')`

// VIRTUAL columns came with PostgreSQL 18, names of NOT NULL constraints, too: older versions take the name and forget it.
const notNull = `CASE WHEN NOT a.attnotnull THEN '' ELSE coalesce((SELECT CASE WHEN k.convalidated THEN format(' CONSTRAINT %I NOT NULL', k.conname)
    || CASE WHEN k.connoinherit THEN ' NO INHERIT' ELSE '' END ELSE '' END
  FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey[1] = a.attnum), ' NOT NULL') END`

const generated = `CASE a.attgenerated WHEN '' THEN '' ELSE (SELECT format(' GENERATED ALWAYS AS (%s) %s', pg_get_expr(d.adbin, d.adrelid),
    CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END) FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END`

const attributes = 'pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped'

const columns = `(SELECT string_agg(format('%I ', a.attname)
    || CASE WHEN c.reloftype <> 0 THEN 'WITH OPTIONS' ELSE format_type(a.atttypid, a.atttypmod) || ${collation('a.attcollation', 'a.atttypid')} END
    || ${generated} || ${identity} || ${notNull}, ', ' ORDER BY a.attnum)
  FROM ${attributes} AND (a.attislocal OR c.relispartition OR c.reloftype <> 0))`

const parents = `(SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid AND NOT c.relispartition)`

const create = `format('CREATE %sTABLE %I.%I', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, n.nspname, c.relname)
  || CASE WHEN c.reloftype <> 0 THEN ' OF ' || format_type(c.reloftype, NULL) || coalesce(' (' || ${columns} || ')', '') ELSE ' (' || coalesce(${columns}, '') || ')' END
  || coalesce(' INHERITS (' || ${parents} || ')', '')
  || CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) ELSE '' END
  || coalesce(' WITH (' || concat_ws(', ', ${optionList('c.reloptions')}, (SELECT ${optionList('t.reloptions', 'toast.')} FROM pg_class t WHERE t.oid = c.reltoastrelid)) || ')', '')`

// An empty list would read as WITH ().
const createTable = `replace(${create}, ' WITH ()', '')`

function perColumn(change: string, condition: string): string {
  return `ARRAY(SELECT format('ALTER TABLE ONLY %I.%I ALTER COLUMN %I SET ', n.nspname, c.relname, a.attname) || ${change} FROM ${attributes} AND ${condition} ORDER BY a.attnum)`
}

const tables = `SELECT 'pg_class'::regclass::oid, c.oid, NULL, to_json(ARRAY[${createTable}]
  || ${perColumn(
    `'NOT NULL'`,
    `NOT (a.attislocal OR c.relispartition OR c.reloftype <> 0) AND a.attnotnull
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum AND NOT k.convalidated)
    AND NOT EXISTS (SELECT FROM pg_inherits i JOIN pg_attribute p ON p.attrelid = i.inhparent WHERE i.inhrelid = c.oid AND p.attname = a.attname AND p.attnotnull)`,
  )}
  || ${perColumn(
    `'STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END`,
    'a.attstorage <> (SELECT typstorage FROM pg_type WHERE oid = a.atttypid)',
  )}
  || ${perColumn(`'COMPRESSION ' || CASE a.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END`, "a.attcompression IN ('l', 'p')")}
  || ${perColumn(`'STATISTICS ' || a.attstattarget`, 'a.attstattarget >= 0')}
  || ${perColumn(`'(' || ${optionList('a.attoptions')} || ')'`, 'a.attoptions IS NOT NULL')})
  FROM ${relations("'r', 'p'")}`

const defaults = `SELECT 'pg_attrdef'::regclass::oid, d.oid, NULL, to_json(ARRAY[
    format('ALTER TABLE ONLY %I.%I ALTER COLUMN %I SET DEFAULT %s', n.nspname, c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid))])
  FROM pg_attrdef d, pg_attribute a, ${relations("'r', 'p', 'v'", "AND d.adrelid = c.oid AND a.attrelid = c.oid AND a.attnum = d.adnum AND a.attgenerated = ''")}`

const views = `SELECT 'pg_class'::regclass::oid, c.oid, NULL, to_json(ARRAY[
    format('CREATE %s %I.%I', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END, n.nspname, c.relname)
    || coalesce(' WITH (' || ${optionList('c.reloptions')} || ')', '') || ' AS ' || rtrim(pg_get_viewdef(c.oid), '; ')
    || CASE c.relkind WHEN 'v' THEN '' ELSE ' WITH NO DATA' END])
  FROM ${relations("'v', 'm'")}`

const indexes = `SELECT 'pg_class'::regclass::oid, c.oid, x.indrelid, to_json(ARRAY[pg_get_indexdef(c.oid)])
  FROM pg_index x, ${relations(
    "'i', 'I'",
    `AND x.indexrelid = c.oid AND (x.indisvalid OR c.relkind = 'I')
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))`,
  )}`

const only = `CASE WHEN k.contype IN ('p', 'u', 'x') THEN 'ONLY ' ELSE '' END`

/** What is inherited comes with the constraint of the parent. */
const constraints = (types: string, more: string): string => `SELECT 'pg_constraint'::regclass::oid, k.oid, c.oid, to_json(array_remove(ARRAY[
    format('ALTER TABLE %s%I.%I ADD CONSTRAINT %I %s', ${only}, n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)),
    (SELECT format('ALTER INDEX %s SET (%s)', i.oid::regclass, ${optionList('i.reloptions')}) FROM pg_class i WHERE i.oid = k.conindid AND k.contype IN ('p', 'u', 'x') AND i.reloptions IS NOT NULL)], NULL))
  FROM pg_constraint k, ${relations("'r', 'p'", `AND k.conrelid = c.oid AND k.contype IN (${types}) ${more}`)}`

const statistics = `SELECT 'pg_statistic_ext'::regclass::oid, s.oid, s.stxrelid, to_json(array_remove(ARRAY[pg_get_statisticsobjdef(s.oid),
    CASE WHEN s.stxstattarget >= 0 THEN format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, s.stxname, s.stxstattarget) END], NULL))
  FROM pg_statistic_ext s, ${schemaOnly} AND s.stxnamespace = n.oid`

const triggers = `SELECT 'pg_trigger'::regclass::oid, t.oid, t.tgrelid, to_json(array_remove(ARRAY[pg_get_triggerdef(t.oid),
    CASE WHEN t.tgenabled <> 'O' THEN format('ALTER TABLE %I.%I %s TRIGGER %I', n.nspname, c.relname,
      CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, t.tgname) END], NULL))
  FROM pg_trigger t, ${relations("'r', 'p', 'v'", 'AND t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgparentid = 0')}`

const rules = `SELECT 'pg_rewrite'::regclass::oid, r.oid, r.ev_class, to_json(array_remove(ARRAY[rtrim(pg_get_ruledef(r.oid), '; '),
    CASE WHEN r.ev_enabled <> 'O' THEN format('ALTER TABLE %I.%I %s RULE %I', n.nspname, c.relname,
      CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, r.rulename) END], NULL))
  FROM pg_rewrite r, ${relations("'r', 'p', 'v'", "AND r.ev_class = c.oid AND r.rulename <> '_RETURN'")}`

const policies = `SELECT 'pg_policy'::regclass::oid, p.oid, p.polrelid, to_json(ARRAY[
    format('CREATE POLICY %I ON %I.%I AS %s FOR %s TO %s', p.polname, n.nspname, c.relname, CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
      CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
      (SELECT string_agg(CASE one WHEN 0 THEN 'PUBLIC' ELSE one::regrole::text END, ', ') FROM unnest(p.polroles) one))
    || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '') || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')])
  FROM pg_policy p, ${relations("'r', 'p'", 'AND p.polrelid = c.oid')}`

/** Tables and what hangs on them. */
export const tableDefinitions: readonly DefinitionQuery[] = [
  { rank: ranks.sequence, text: sequences },
  { rank: ranks.table, text: tables },
  { rank: ranks.column, text: defaults },
  { rank: ranks.view, text: views },
  { rank: ranks.index, text: indexes },
  { rank: ranks.index, text: constraints("'p', 'u', 'x'", '') },
  { rank: ranks.check, text: constraints("'c'", 'AND (k.conislocal OR k.coninhcount = 0)') },
  { rank: ranks.check, text: constraints("'n'", 'AND NOT k.convalidated AND (k.conislocal OR k.coninhcount = 0)') },
  { rank: ranks.reference, text: constraints("'f'", 'AND k.conparentid = 0') },
  { rank: ranks.reference, text: statistics },
  { rank: ranks.rule, text: triggers },
  { rank: ranks.rule, text: rules },
  { rank: ranks.rule, text: policies },
]

/** The key of the definition of a relation. */
function keyOf(oid: string): string {
  return `format('%s/%s', 'pg_class'::regclass::oid, ${oid})`
}

/** What connects two definitions: statement, and the two keys that it needs. */
export const connections: readonly string[] = [
  // Partitions, tables first.
  `SELECT format('ALTER TABLE ONLY %s ATTACH PARTITION %s %s', i.inhparent::regclass, i.inhrelid::regclass, pg_get_expr(c.relpartbound, c.oid)), ${keyOf('i.inhparent')}, ${keyOf('i.inhrelid')}
    FROM pg_inherits i, ${relations("'r', 'p'", 'AND i.inhrelid = c.oid AND c.relispartition')}`,
  `SELECT format('ALTER INDEX %s ATTACH PARTITION %s', i.inhparent::regclass, i.inhrelid::regclass), ${keyOf('i.inhparent')}, ${keyOf('i.inhrelid')}
    FROM pg_inherits i, ${relations("'i', 'I'", 'AND i.inhrelid = c.oid')}`,
  `SELECT format('ALTER SEQUENCE %I.%I OWNED BY %s.%I', n.nspname, c.relname, a.attrelid::regclass, a.attname), ${keyOf('c.oid')}, ${keyOf('a.attrelid')}
    FROM pg_depend d, pg_attribute a, ${relations("'S'", "AND d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'a' AND d.refclassid = 'pg_class'::regclass AND a.attrelid = d.refobjid AND a.attnum = d.refobjsubid")}`,
]

/** Settings of tables that are made when everything else is there. */
export const tableSettings: readonly string[] = [
  `SELECT format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', n.nspname, c.relname) FROM ${relations("'r', 'p'", 'AND c.relrowsecurity')}`,
  `SELECT format('ALTER TABLE %I.%I FORCE ROW LEVEL SECURITY', n.nspname, c.relname) FROM ${relations("'r', 'p'", 'AND c.relforcerowsecurity')}`,
  `SELECT format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY %s', n.nspname, c.relname, CASE c.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'
      ELSE format('USING INDEX %I', (SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid AND x.indisreplident)) END)
    FROM ${relations("'r', 'p'", "AND c.relreplident <> 'd' AND (c.relreplident <> 'i' OR EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisreplident))")}`,
  `SELECT format('ALTER TABLE %I.%I CLUSTER ON %I', n.nspname, c.relname, i.relname) FROM pg_index x, pg_class i, ${relations("'r', 'm'", 'AND x.indrelid = c.oid AND x.indisclustered AND i.oid = x.indexrelid')}`,
]

/** A constraint of a child that the parent's one is merged with: parent, child, as keys. The other way round would be refused. */
export const checkOrder = `SELECT format('%s/%s', p.tableoid, p.oid), format('%s/%s', k.tableoid, k.oid)
  FROM pg_constraint k, pg_inherits i, pg_constraint p, ${relations(
    "'r', 'p'",
    `AND k.conrelid = c.oid AND k.contype IN ('c', 'n') AND k.conislocal AND k.coninhcount > 0
    AND i.inhrelid = c.oid AND p.conrelid = i.inhparent AND p.conname = k.conname`,
  )}`

/** What has rows: oid, kind, schema, name, and its columns as a JSON list (of a materialized view: how it is named). */
export const rowSources = `SELECT c.oid, ${keyOf('c.oid')}, c.relkind, n.nspname, c.relname, CASE c.relkind WHEN 'm' THEN to_json(c.oid::regclass::text) ELSE
    coalesce((SELECT json_agg(a.attname ORDER BY a.attnum) FROM ${attributes} AND a.attgenerated = ''), '[]') END
  FROM ${relations("'r', 'm'", "AND (c.relkind = 'r' OR c.relispopulated)")}`

/** All sequences, those of identity columns, too: name, and the last value, which is NULL for one that was not used since it was set. */
export const sequenceValues = `SELECT c.oid::regclass, pg_sequence_last_value(c.oid) FROM ${relations("'S'")} ORDER BY c.relname`

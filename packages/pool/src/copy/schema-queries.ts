import { isOwn, schemaOnly } from './definition.ts'

/** Settings that the platform gives to every role, by itself. */
const platformSettings =
  'search_path,statement_timeout,lock_timeout,idle_in_transaction_session_timeout,client_connection_check_interval,temp_file_limit,timezone'

/** Everything of the schema that can depend on something. `$1` is the schema. */
const members = [
  ...[
    ['pg_class', 'relnamespace'],
    ['pg_type', 'typnamespace'],
    ['pg_proc', 'pronamespace'],
    ['pg_operator', 'oprnamespace'],
    ['pg_collation', 'collnamespace'],
    ['pg_conversion', 'connamespace'],
    ['pg_ts_dict', 'dictnamespace'],
    ['pg_ts_config', 'cfgnamespace'],
    ['pg_statistic_ext', 'stxnamespace'],
    ['pg_constraint', 'connamespace'],
  ].map(([catalogue, namespace]) => `SELECT x.tableoid AS classid, x.oid AS objid FROM ${catalogue} x, ${schemaOnly} AND x.${namespace} = n.oid`),
  ...[
    ['pg_attrdef', 'adrelid'],
    ['pg_rewrite', 'ev_class'],
    ['pg_trigger', 'tgrelid'],
    ['pg_policy', 'polrelid'],
  ].map(
    ([catalogue, relation]) =>
      `SELECT x.tableoid, x.oid FROM ${catalogue} x, pg_class c, ${schemaOnly} AND c.relnamespace = n.oid AND x.${relation} = c.oid`,
  ),
  'SELECT x.tableoid, x.oid FROM pg_cast x WHERE x.oid >= 16384',
].join(' UNION ALL ')

/** Who needs what: catalogue, oid, catalogue, oid, and the kind of dependency. Rows below 16384 are PostgreSQL's own. */
export const dependencyRows = `SELECT d.classid, d.objid, d.refclassid, d.refobjid, d.deptype, d.classid = 'pg_attrdef'::regclass
  FROM pg_depend d JOIN (${members}) m ON m.classid = d.classid AND m.objid = d.objid WHERE d.refobjid >= 16384 AND d.deptype IN ('n', 'a', 'i')`

const operatorWithoutFunction = "d.classid = 'pg_operator'::regclass AND EXISTS (SELECT FROM pg_operator o WHERE o.oid = d.objid AND o.oprcode = 0)"
const ofExtension = "EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e')"

/** What a role owns in this database, and what lies in its schema: catalogue, oid, how people call it, whether the role owns it. `$1` is role and schema. */
export const belongings = `WITH owned AS (
    SELECT d.classid, d.objid FROM pg_shdepend d WHERE d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND d.refclassid = 'pg_authid'::regclass AND d.refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1) AND d.deptype = 'o'),
  lying AS (SELECT d.classid, d.objid FROM pg_depend d, ${schemaOnly} AND d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid)
  SELECT d.classid, d.objid, i.type || ' ' || i.identity, EXISTS (SELECT FROM owned o WHERE o.classid = d.classid AND o.objid = d.objid)
  FROM (SELECT * FROM owned UNION SELECT * FROM lying) d, LATERAL pg_identify_object(d.classid, d.objid, 0) i
  WHERE d.classid <> 'pg_default_acl'::regclass AND NOT (${operatorWithoutFunction}) AND NOT (${ofExtension})`

/** Tables that cannot be read whole, or cannot be made anew. `$1` is the schema. */
export const unreadable = `SELECT format('table %I.%I is kept by access method %s', n.nspname, c.relname, m.amname)
    FROM pg_am m, pg_class c, ${schemaOnly} AND c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'm') AND m.oid = c.relam AND m.amname <> 'heap' AND ${isOwn('pg_class', 'c.oid')}
  UNION ALL SELECT format('table %I.%I cannot be read by the platform: its owner took away the right', n.nspname, c.relname)
    FROM pg_class c, ${schemaOnly} AND c.relnamespace = n.oid AND c.relkind = 'r' AND NOT has_table_privilege(c.oid, 'SELECT')
  UNION ALL SELECT format('table %I.%I cannot be read by the platform: row level security is forced on it, and the database user is no superuser', n.nspname, c.relname)
    FROM pg_class c, ${schemaOnly} AND c.relnamespace = n.oid AND c.relkind = 'r' AND c.relrowsecurity AND c.relforcerowsecurity
      AND NOT (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)`

/** Names as people know them: catalogue, oid, type, identity. `$1` and `$2` are lists. */
export const objectNames = `SELECT one.classid, one.objid, i.type || ' ' || i.identity
  FROM unnest($1::oid[], $2::oid[]) one (classid, objid), LATERAL pg_identify_object(one.classid, one.objid, 0) i`

/** Comments as statements. `$1` and `$2` are lists of catalogues and oids. */
export const commentStatements = `SELECT format('COMMENT ON %s IS %L',
    CASE WHEN i.type = 'domain constraint' THEN (SELECT format('CONSTRAINT %I ON DOMAIN %s', k.conname, format_type(k.contypid, NULL)) FROM pg_constraint k WHERE k.oid = c.objoid)
      WHEN i.type LIKE '%constraint' THEN 'CONSTRAINT ' || i.identity
      WHEN i.type LIKE '% column' THEN 'COLUMN ' || i.identity
      WHEN i.type IN ('function', 'procedure', 'aggregate') THEN 'ROUTINE ' || i.identity
      WHEN i.type = 'statistics object' THEN 'STATISTICS ' || i.identity
      WHEN i.type = 'composite type' THEN 'TYPE ' || i.identity
      ELSE upper(i.type) || ' ' || i.identity END, c.description)
  FROM unnest($1::oid[], $2::oid[]) one (classid, objid) JOIN pg_description c ON c.classoid = one.classid AND c.objoid = one.objid,
    LATERAL pg_identify_object(c.classoid, c.objoid, c.objsubid) i`

/** What a role set for itself, as statements; for all databases first. Lists are stored as they are written. `$1` is the role. */
export const roleSettings = `SELECT format('ALTER ROLE %I SET %s TO %s', $1::text, quote_ident(name),
    CASE WHEN name IN ('temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries') THEN value ELSE quote_literal(value) END)
  FROM (SELECT s.setdatabase, split_part(one, '=', 1) AS name, substr(one, strpos(one, '=') + 1) AS value
    FROM pg_db_role_setting s, unnest(s.setconfig) one WHERE s.setrole = (SELECT oid FROM pg_roles WHERE rolname = $1)
      AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) given
  WHERE lower(name) <> ALL (string_to_array('${platformSettings}', ',')) ORDER BY setdatabase, name`

/** What lies in schemas that are nobody's: neither of a tenant in the list `$1`, nor the platform's, PostgreSQL's or an extension's. */
export const ownerless = `SELECT i.type || ' ' || i.identity FROM pg_depend d, LATERAL pg_identify_object(d.classid, d.objid, 0) i
  WHERE d.refclassid = 'pg_namespace'::regclass AND d.objid >= 16384 AND NOT (${ofExtension})
    AND d.refobjid IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'cordon') AND nspname <> ALL ($1::name[]))
    AND d.classid <> 'pg_default_acl'::regclass ORDER BY 1`

/** Extensions that lie in a schema of the platform or of a tenant: how people call it, the schema. They run as the platform where a copy goes. */
export const misplacedExtensions = `SELECT 'extension ' || quote_ident(x.extname), n.nspname FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
  WHERE n.nspname = 'cordon' OR n.nspname ~ '^t_[0-9a-f]{16}$' ORDER BY 1`

/** Extensions of the database, apart from the language that each has: name, schema. */
export const extensionRows = `SELECT x.extname, n.nspname FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname <> 'plpgsql' ORDER BY x.oid`

/** By what a database sorts and compares texts; columns that not every version of PostgreSQL has are read as JSON. */
export const databaseLocale = `SELECT concat_ws(' ', CASE coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
    d.datcollate, d.datctype, coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')) AS locale FROM pg_database d WHERE d.datname = current_database()`

import { isOwn, schemaOnly } from './definition.ts'

/** Everything of the schema that has rights: how a GRANT names it, its owner, its rights and those it has from the start. */
const holders = `
  SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass AS object, '' AS part, c.relowner AS owner, c.relacl AS acl,
      acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner) AS usual
    FROM pg_class c, ${schemaOnly} AND c.relnamespace = n.oid AND c.relacl IS NOT NULL AND ${isOwn('pg_class', 'c.oid')}
  UNION ALL SELECT 'TABLE ' || c.oid::regclass, format(' (%I)', a.attname), c.relowner, a.attacl, NULL
    FROM pg_attribute a, pg_class c, ${schemaOnly} AND c.relnamespace = n.oid AND a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
  UNION ALL SELECT 'ROUTINE ' || p.oid::regprocedure, '', p.proowner, p.proacl, acldefault('f', p.proowner)
    FROM pg_proc p, ${schemaOnly} AND p.pronamespace = n.oid AND p.proacl IS NOT NULL AND ${isOwn('pg_proc', 'p.oid')}
  UNION ALL SELECT 'TYPE ' || format_type(t.oid, NULL), '', t.typowner, t.typacl, acldefault('T', t.typowner)
    FROM pg_type t, ${schemaOnly} AND t.typnamespace = n.oid AND t.typacl IS NOT NULL AND ${isOwn('pg_type', 't.oid')}`

/** The rights of `one`, apart from those of the platform, which may do everything anyway: columns `privilege`, `grantee`, `is_grantable`. */
function granted(acl: string): string {
  return `(SELECT g.privilege_type AS privilege, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END AS grantee, g.is_grantable
    FROM aclexplode(${acl}) g WHERE g.grantee = 0 OR g.grantee IN (SELECT oid FROM pg_roles WHERE rolname <> current_user))`
}

const withOption = `CASE WHEN g.is_grantable AND g.grantee <> 'PUBLIC' THEN ' WITH GRANT OPTION' ELSE '' END`
/** Statements that give the same rights, in this order. `$1` is the schema. */
export const rightStatements: readonly string[] = [
  `SELECT format('REVOKE ALL ON %s FROM PUBLIC', h.object) FROM (${holders}) h WHERE h.part = ''`,
  // What its owner took from itself. What it has is not given: an older server need not know the word.
  `SELECT format('REVOKE %s ON %s FROM %s', u.privilege_type, h.object, h.owner::regrole) FROM (${holders}) h, LATERAL aclexplode(h.usual) u
    WHERE u.grantee = h.owner AND NOT EXISTS (SELECT FROM aclexplode(h.acl) e WHERE e.grantee = h.owner AND e.privilege_type = u.privilege_type)`,
  `SELECT format('GRANT %s%s ON %s TO %s%s', g.privilege, h.part, h.object, g.grantee, ${withOption})
    FROM (${holders}) h, LATERAL ${granted('h.acl')} g WHERE g.grantee <> h.owner::regrole::text OR h.part <> ''`,
]

const objects = `CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END`
const defaults = 'pg_default_acl d JOIN pg_roles r ON r.oid = d.defaclrole LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace WHERE r.rolname = $1'
const alter = `'ALTER DEFAULT PRIVILEGES' || coalesce(' IN SCHEMA ' || quote_ident(n.nspname), '')`

/** The same for what a role gives to others with everything that it makes. `$1` is the role. */
export const defaultRightStatements: readonly string[] = [
  `SELECT ${alter} || ' REVOKE ALL ON ' || ${objects} || ' FROM PUBLIC' FROM ${defaults} AND n.oid IS NULL`,
  `SELECT ${alter} || format(' REVOKE %s ON %s FROM %I', u.privilege_type, ${objects}, $1::text)
    FROM ${defaults.replace(' WHERE', `, LATERAL aclexplode(acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)) u WHERE`)}
    AND n.oid IS NULL AND u.grantee = d.defaclrole
    AND NOT EXISTS (SELECT FROM aclexplode(d.defaclacl) e WHERE e.grantee = d.defaclrole AND e.privilege_type = u.privilege_type)`,
  `SELECT ${alter} || format(' GRANT %s ON %s TO %s%s', g.privilege, ${objects}, g.grantee, ${withOption})
    FROM ${defaults.replace(' WHERE', `, LATERAL ${granted('d.defaclacl')} g WHERE`)} AND (n.oid IS NOT NULL OR g.grantee <> quote_ident($1))`,
]

/**
 * Roles that rights and policies name and that are neither in the list `$2` nor PostgreSQL's own: they may not be there where the copy goes. `$1` is
 * the schema.
 */
export const foreignRoles = `SELECT DISTINCT h.object || ' names role ' || e.grantee::regrole FROM (${holders}) h, LATERAL aclexplode(h.acl) e
    WHERE e.grantee <> 0 AND e.grantee::regrole::text !~ '^pg_' AND e.grantee NOT IN (SELECT oid FROM pg_roles WHERE rolname = ANY ($2::name[]))
  UNION SELECT 'policy ' || quote_ident(p.polname) || ' names role ' || one::regrole FROM pg_policy p, unnest(p.polroles) one, pg_class c, ${schemaOnly}
    AND c.relnamespace = n.oid AND p.polrelid = c.oid AND one <> 0 AND one::regrole::text !~ '^pg_' AND one NOT IN (SELECT oid FROM pg_roles WHERE rolname = ANY ($2::name[]))`

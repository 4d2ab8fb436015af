import { CommandFailure } from '../exit-code.ts'

/** What `\?` prints. */
export const metaHelp = `\\d            tables, views and sequences of this database
\\d NAME       columns of one, also SCHEMA.NAME
\\dn           schemas
\\du           roles
\\l            databases
\\c DATABASE   talk to another database
\\q            end
SQL ends with a semicolon. Ctrl-C drops what was typed, or stops the statement that runs.`

const ownSchemas = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

const statements: Readonly<Record<string, string>> = {
  '\\l': `SELECT datname AS name, pg_get_userbyid(datdba) AS owner,
    CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_size_pretty(pg_database_size(oid)) END AS size
    FROM pg_database WHERE datallowconn ORDER BY 1`,
  '\\dn': `SELECT n.nspname AS name, pg_get_userbyid(n.nspowner) AS owner FROM pg_namespace n WHERE ${ownSchemas} ORDER BY 1`,
  '\\du': `SELECT rolname AS name, rolsuper AS superuser, rolcanlogin AS login, rolconnlimit AS connections FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`,
  '\\d': `SELECT n.nspname AS schema, c.relname AS name,
    CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE 'foreign table' END AS kind,
    pg_size_pretty(pg_total_relation_size(c.oid)) AS size
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ${ownSchemas} ORDER BY 1, 2`,
}

/** The question to the catalogue that a command stands for. @throws CommandFailure for one that does not exist */
export function metaStatement(name: string, argument: string | undefined): string {
  if (name === '\\dt') return metaStatement('\\d', argument)
  if (name === '\\d' && argument !== undefined) return columnsOf(argument)
  const statement = statements[name]
  if (statement === undefined) throw new CommandFailure(`Cannot run ${name}: there is no such command. \\? shows those there are`, 2)
  return statement
}

function columnsOf(table: string): string {
  // A literal, read by the server as it reads names: unknown ones are its error. Doubled backslashes, whatever the session's setting.
  const literal = ` E'${table.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
  return `SELECT a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable, pg_get_expr(d.adbin, d.adrelid) AS default
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid =${literal}::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`
}

import type { SqlPool } from '@cordon/pool'

/** Rows of catalogues, without numbers that differ from server to server. Nothing here is shared with what makes copies. */
const queries = [
  `select 'depends', pg_describe_object(d.classid, d.objid, d.objsubid), pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), d.deptype
    from pg_depend d where d.refobjid >= 16384 and d.objid >= 16384 and d.classid <> 'pg_extension'::regclass`,
  `select 'inherits', inhrelid::regclass::text, inhparent::regclass::text, inhseqno from pg_inherits`,
  `select 'relation', c.oid::regclass::text, relkind, relpersistence, relrowsecurity, relforcerowsecurity, relreplident, relispartition, relispopulated, relchecks,
      relhasrules, relhastriggers, reloptions, relacl::text, pg_get_expr(relpartbound, c.oid), pg_get_partkeydef(c.oid), reloftype::regtype::text, pg_get_userbyid(relowner)
    from pg_class c where relnamespace = $1::regnamespace and relkind not in ('i', 'I')`,
  `select 'toast', c.oid::regclass::text, t.reloptions from pg_class c join pg_class t on t.oid = c.reltoastrelid where c.relnamespace = $1::regnamespace`,
  `select 'column', attrelid::regclass::text, row_number() over (partition by attrelid order by attnum), attname, format_type(atttypid, atttypmod), attnotnull, atthasdef,
      attidentity, attgenerated, attislocal, attinhcount, attstorage, attcompression, attstattarget, attoptions, attacl::text, attcollation::regcollation::text
    from pg_attribute a join pg_class c on c.oid = attrelid where relnamespace = $1::regnamespace and attnum > 0 and not attisdropped and relkind not in ('i', 'I')`,
  `select 'constraint', conrelid::regclass::text, contypid::regtype::text, conname, contype, condeferrable, condeferred, convalidated, conislocal, coninhcount, connoinherit and contype in ('c', 'n'),
      pg_get_constraintdef(oid), conparentid <> 0 from pg_constraint where connamespace = $1::regnamespace`,
  `select 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid, indisclustered, indisreplident, indisprimary, indimmediate, relispartition, reloptions
    from pg_index join pg_class c on c.oid = indexrelid where relnamespace = $1::regnamespace`,
  `select 'sequence', seqrelid::regclass::text, seqtypid::regtype::text, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle, pg_sequence_last_value(seqrelid)
    from pg_sequence join pg_class c on c.oid = seqrelid where relnamespace = $1::regnamespace`,
  `select 'routine', p.oid::regprocedure::text, prokind, proacl::text, pg_get_userbyid(proowner), case prokind when 'a' then pg_get_function_arguments(p.oid) else pg_get_functiondef(p.oid) end
    from pg_proc p where pronamespace = $1::regnamespace`,
  `select 'aggregate', aggfnoid::text, aggkind, aggtransfn::text, aggfinalfn::text, aggcombinefn::text, aggtranstype::regtype::text, agginitval, aggfinalmodify from pg_aggregate
    where aggfnoid >= 16384`,
  `select 'type', format_type(oid, null), typtype, typnotnull, typdefault, typacl::text, pg_get_userbyid(typowner), format_type(typbasetype, typtypmod), typcollation::regcollation::text
    from pg_type where typnamespace = $1::regnamespace`,
  `select 'range', rngtypid::regtype::text, rngsubtype::regtype::text, rngmultitypid::regtype::text, rngsubdiff::text from pg_range where rngtypid >= 16384`,
  `select 'label', enumtypid::regtype::text, enumlabel, row_number() over (partition by enumtypid order by enumsortorder) from pg_enum`,
  `select 'operator', o.oid::regoperator::text, oprcode::text, oprcom::regoperator::text, oprnegate::regoperator::text from pg_operator o where oprnamespace = $1::regnamespace`,
  `select 'cast', castsource::regtype::text, casttarget::regtype::text, castfunc::regprocedure::text, castcontext, castmethod from pg_cast where oid >= 16384`,
  `select 'collation', collname, collprovider, collcollate, collisdeterministic from pg_collation where collnamespace = $1::regnamespace`,
  `select 'conversion', conname, conforencoding, contoencoding, conproc::text, condefault from pg_conversion where connamespace = $1::regnamespace`,
  `select 'dictionary', dictname, dictinitoption, dicttemplate from pg_ts_dict where dictnamespace = $1::regnamespace`,
  `select 'mapping', cfgname, maptokentype, mapseqno, mapdict::regdictionary::text from pg_ts_config_map join pg_ts_config c on c.oid = mapcfg where cfgnamespace = $1::regnamespace`,
  `select 'statistics', pg_get_statisticsobjdef(oid), stxstattarget from pg_statistic_ext where stxnamespace = $1::regnamespace`,
  `select 'trigger', tgrelid::regclass::text, tgenabled, case when tgisinternal then tgfoid::regproc::text else pg_get_triggerdef(t.oid) end, tgparentid <> 0
    from pg_trigger t join pg_class c on c.oid = tgrelid where relnamespace = $1::regnamespace`,
  `select 'rule', pg_get_ruledef(r.oid), ev_enabled from pg_rewrite r join pg_class c on c.oid = ev_class where relnamespace = $1::regnamespace`,
  `select 'policy', to_jsonb(p) - 'qual' - 'with_check', qual, with_check from pg_policies p where schemaname = $1`,
  `select 'default', adrelid::regclass::text, attname, pg_get_expr(adbin, adrelid) from pg_attrdef join pg_attribute on attrelid = adrelid and attnum = adnum`,
  `select 'default right', defaclrole::regrole::text, defaclnamespace::regnamespace::text, defaclobjtype, defaclacl::text from pg_default_acl where defaclrole = $1::regrole`,
  `select 'comment', pg_describe_object(classoid, objoid, objsubid), description from pg_description where objoid >= 16384`,
  `select 'setting', one from pg_db_role_setting, unnest(setconfig) one where setrole = $1::regrole and one like 'work_mem%'`,
]

/** Everything the catalogues of a database say of the schema and role of one tenant, a line each, sorted. */
export async function describeCatalogue(sql: SqlPool, role: string): Promise<readonly string[]> {
  const lines: string[] = []
  for (const query of queries) {
    const text = `select to_json(x)::text as line from (${query}) x`
    const { rows } = await sql.query<{ line: string }>(text, query.includes('$1') ? [role] : undefined)
    // Names that have a number in them.
    lines.push(...rows.map(({ line }) => line.replaceAll(/(pg_toast_|ConstraintTrigger_(?:[ac]_)?)\d+/g, '$1')))
  }
  return lines.toSorted()
}

import type { Migration } from '../migrate.ts'

/**
 * Functions, versions, deployments and records. Times are milliseconds since 1970 as `bigint`: the host's clock is the
 * only one that counts. Code is `bytea`, because text columns refuse NUL. `seq` is the order of paging: records are
 * written by one writer, one batch after the other, so a row that becomes visible later always has a larger `seq`.
 */
export const first: Migration = {
  id: 1,
  name: 'first',
  statements: [
    `create table cordon.functions (
      tenant text not null, name text not null, live text not null, created_at bigint not null, updated_at bigint not null,
      primary key (tenant, name))`,
    `create table cordon.versions (
      tenant text not null, function text not null, version text not null, manifest json not null, schemas json not null,
      code bytea not null, source_map bytea not null, hash text not null, created_at bigint not null,
      primary key (tenant, function, version),
      foreign key (tenant, function) references cordon.functions (tenant, name) on delete cascade deferrable initially deferred)`,
    `alter table cordon.functions add foreign key (tenant, name, live)
      references cordon.versions (tenant, function, version) deferrable initially deferred`,
    `create table cordon.deployments (
      seq bigint generated always as identity primary key, tenant text not null, function text not null, version text not null,
      kind text not null, label text, created_at bigint not null,
      foreign key (tenant, function, version) references cordon.versions (tenant, function, version) on delete cascade)`,
    `create index on cordon.deployments (tenant, function, seq)`,
    `create table cordon.logs (
      seq bigint generated always as identity primary key, tenant text not null, function text not null, version text not null,
      invocation_id text not null, level smallint not null, message text not null, fields text, time bigint not null)`,
    `create index on cordon.logs (tenant, function, seq)`,
    `create table cordon.invocations (
      seq bigint generated always as identity primary key, tenant text not null, function text not null, version text not null,
      invocation_id text not null, outcome text not null, message text, started_at bigint not null, queue_ms real not null, boot_ms real not null,
      load_ms real not null, duration_ms real not null, cpu_ms real not null, peak_memory_mb real not null, cold_start boolean not null)`,
    `create index on cordon.invocations (tenant, function, seq)`,
  ],
}

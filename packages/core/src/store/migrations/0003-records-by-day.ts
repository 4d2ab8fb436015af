import type { Migration } from '../migrate.ts'

/** Milliseconds of a day: partitions are cut at midnight UTC. */
const dayMs = 86_400_000

/**
 * Records in range partitions by day, so that old ones are dropped with their tables, and in the order of time, which is the
 * one that several hosts have in common; `seq` only tells apart what has the same millisecond. There is no primary key:
 * nothing looks a row up by it. Every index ends with that order, so a page is read from where its cursor stands:
 * what a filter names comes first. Failures and warnings are rare, so finding them has indexes of its own.
 * `usage` sums up what was recorded; it stays when the records go.
 */
export const recordsByDay: Migration = {
  id: 3,
  name: 'records-by-day',
  statements: [
    'alter table cordon.logs rename to old_logs',
    'alter table cordon.invocations rename to old_invocations',
    'create sequence cordon.record_seq',
    `select setval('cordon.record_seq',
      greatest(1, (select max(seq) from cordon.old_logs), (select max(seq) from cordon.old_invocations)))`,
    `create table cordon.logs (
      seq bigint not null default nextval('cordon.record_seq'), tenant text not null, function text not null, version text not null,
      invocation_id text not null, level smallint not null, message text not null, fields text, location text, time bigint not null)
      partition by range (time)`,
    `create table cordon.invocations (
      seq bigint not null default nextval('cordon.record_seq'), tenant text not null, function text not null, version text not null,
      invocation_id text not null, outcome text not null, message text, user_id text, started_at bigint not null, queue_ms real not null,
      boot_ms real not null, load_ms real not null, duration_ms real not null, cpu_ms real not null, peak_memory_mb real not null,
      cold_start boolean not null, dropped_log_bytes bigint not null default 0)
      partition by range (started_at)`,
    'create index on cordon.logs (tenant, time desc, seq desc)',
    'create index on cordon.logs (tenant, function, time desc, seq desc)',
    'create index on cordon.logs (tenant, version, time desc, seq desc)',
    'create index on cordon.logs (tenant, time desc, seq desc) where level >= 2',
    'create index on cordon.logs (tenant, function, time desc, seq desc) where level >= 2',
    'create index on cordon.logs (tenant, time desc, seq desc) where level >= 3',
    'create index on cordon.logs (tenant, function, time desc, seq desc) where level >= 3',
    'create index on cordon.invocations (tenant, started_at desc, seq desc)',
    'create index on cordon.invocations (tenant, version, started_at desc, seq desc)',
    'create index on cordon.invocations (tenant, function, started_at desc, seq desc)',
    'create index on cordon.invocations (tenant, function, outcome, started_at desc, seq desc)',
    "create index on cordon.invocations (tenant, outcome, started_at desc, seq desc) where outcome <> 'success'",
    `do $do$ declare day bigint; begin
      for day in select distinct time / ${dayMs} from cordon.old_logs union select distinct started_at / ${dayMs} from cordon.old_invocations loop
        execute format('create table cordon.logs_%s partition of cordon.logs for values from (%s) to (%s)', day, day * ${dayMs}, (day + 1) * ${dayMs});
        execute format('create table cordon.invocations_%s partition of cordon.invocations for values from (%s) to (%s)', day, day * ${dayMs}, (day + 1) * ${dayMs});
      end loop; end $do$`,
    `insert into cordon.logs (seq, tenant, function, version, invocation_id, level, message, fields, location, time)
      select seq, tenant, function, version, invocation_id, level, message, fields, location, time from cordon.old_logs`,
    `insert into cordon.invocations (seq, tenant, function, version, invocation_id, outcome, message, started_at, queue_ms, boot_ms, load_ms,
      duration_ms, cpu_ms, peak_memory_mb, cold_start)
      select seq, tenant, function, version, invocation_id, outcome, message, started_at, queue_ms, boot_ms, load_ms,
      duration_ms, cpu_ms, peak_memory_mb, cold_start from cordon.old_invocations`,
    'drop table cordon.old_logs',
    'drop table cordon.old_invocations',
    `create table cordon.usage (
      tenant text not null, day date not null, function text not null, invocations bigint not null, failures bigint not null,
      cold_starts bigint not null, duration_ms double precision not null, cpu_ms double precision not null, peak_memory_mb real not null,
      log_entries bigint not null, primary key (tenant, day, function))`,
    `insert into cordon.usage
      select tenant, (timestamp 'epoch' + started_at * interval '1 millisecond')::date, function, count(*), count(*) filter (where outcome <> 'success'),
      count(*) filter (where cold_start), sum(duration_ms), sum(cpu_ms), max(peak_memory_mb), 0 from cordon.invocations group by 1, 2, 3`,
  ],
}

import type { Migration } from '../migrate.ts'

/**
 * What invocations used of what is outside their sandboxes, and which invocation called them. `used` is JSON, and missing for those that used nothing:
 * most rows and the batches that write them stay as small as they were. The sums of the days have columns.
 */
export const usedCapabilities: Migration = {
  id: 8,
  name: 'used-capabilities',
  statements: [
    'alter table cordon.invocations add column parent_id text, add column used json',
    `alter table cordon.usage add column requests bigint not null default 0, add column sent_bytes bigint not null default 0,
      add column received_bytes bigint not null default 0, add column function_calls bigint not null default 0,
      add column queries bigint not null default 0`,
  ],
}

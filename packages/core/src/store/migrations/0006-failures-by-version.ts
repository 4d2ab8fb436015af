import type { Migration } from '../migrate.ts'

/** The failures of one version: without it, those of all versions, or all calls of the version, are read to find them (60 ms of 5 million rows). */
export const failuresByVersion: Migration = {
  id: 6,
  name: 'failures-by-version',
  statements: ["create index on cordon.invocations (tenant, version, outcome, started_at desc, seq desc) where outcome <> 'success'"],
}

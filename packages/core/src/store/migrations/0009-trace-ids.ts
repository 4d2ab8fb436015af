import type { Migration } from '../migrate.ts'

/** Which trace an invocation belongs to, where somebody wants traces. */
export const traceIds: Migration = {
  id: 9,
  name: 'trace-ids',
  statements: ['alter table cordon.invocations add column trace_id text'],
}

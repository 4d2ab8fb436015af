import type { Migration } from '../migrate.ts'

/** Where in the user's files a log entry was written. */
export const logLocations: Migration = {
  id: 2,
  name: 'log-locations',
  statements: ['alter table cordon.logs add column location text'],
}

import type { Migration } from '../migrate.ts'

/** Backups that the platform made by itself: when the next one is due, and which files are its own to remove. `machine` is where the file is. */
export const backups: Migration = {
  id: 7,
  name: 'backups',
  statements: [
    `create table cordon.backups (
      id bigint generated always as identity primary key, machine text not null, file text not null, started_at bigint not null,
      finished_at bigint not null, bytes bigint not null)`,
  ],
}

import type { Migration } from '../migrate.ts'

/**
 * Tenants, the users who deployed, who approved what, and the log of changes by which hosts hear of each other. Everything that a tenant
 * has goes with its row, except records and usage, which are too many for a cascade. `changes` is read by `(xid, seq)`: an
 * identity alone is not the order of commits.
 */
export const tenants: Migration = {
  id: 4,
  name: 'tenants',
  statements: [
    'create table cordon.tenants (id text primary key, created_at bigint not null)',
    'insert into cordon.tenants select tenant, min(created_at) from cordon.functions group by tenant',
    'alter table cordon.functions add foreign key (tenant) references cordon.tenants (id) on delete cascade',
    `create table cordon.users (
      tenant text not null references cordon.tenants (id) on delete cascade, id text not null, first_at bigint not null, last_at bigint not null,
      primary key (tenant, id))`,
    'alter table cordon.deployments add column user_id text, add column capabilities json',
    `create table cordon.changes (
      xid xid8 not null default pg_current_xact_id(), seq bigint generated always as identity, host text not null, tenant text not null,
      function text, created_at timestamptz not null default now(), primary key (xid, seq))`,
  ],
}

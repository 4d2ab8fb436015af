import type { Migration } from '../migrate.ts'

/** Secrets, encrypted by the host: `sealed` is nonce, tag and ciphertext, `key_id` says which key opens it. */
export const secrets: Migration = {
  id: 5,
  name: 'secrets',
  statements: [
    `create table cordon.secrets (
      tenant text not null references cordon.tenants (id) on delete cascade, name text not null, key_id text not null, sealed bytea not null,
      created_at bigint not null, updated_at bigint not null, primary key (tenant, name))`,
  ],
}

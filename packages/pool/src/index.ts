export { connectionFromUrl, type SqlConnection, type SqlTls } from './sql/sql-connection.ts'
export { createEmbeddedServer, type EmbeddedServer, type EmbeddedServerOptions, type ServerExit } from './embedded/embedded-server.ts'
export { createSqlPool, type SqlPool, type SqlPoolOptions, type SqlQueryable } from './sql/sql-pool.ts'
export { createFunctionDatabase, type FunctionDatabaseOptions, type PooledFunctionDatabase } from './tenants/function-database.ts'

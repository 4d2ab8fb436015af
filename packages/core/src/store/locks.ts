/** Keys of advisory locks: the bytes of "cordon" as a number, and of "cordo" with another letter. */

/** Held by the host that brings the schema up to date, and by whoever must be alone with the store. */
export const schemaLock = '109325231746926'
/** Partitions of records come and go under it. */
export const partitionLock = '109325231746928'
/** Held while a copy of the platform is made. */
export const backupLock = '109325231746914'

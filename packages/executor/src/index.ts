export type { Hardening } from './hardening/hardening.ts'

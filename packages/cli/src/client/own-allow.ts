/** Whoever runs the command owns the machine: `config` may ask for as much as the options of the platform can say. */
export const ownAllow = { limits: { timeoutMs: 2_147_483_647, memoryMb: 16_384 } }

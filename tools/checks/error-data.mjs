/** Codes that no test can provoke yet, with the reason. Empty is the goal. */
export const unreachableCodes = {}

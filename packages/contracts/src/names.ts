/** What the name of a function looks like: 1 to 63 letters, digits, `-` and `_` that start with a letter. */
export const functionName = /^[A-Za-z][\w-]{0,62}$/

/** What the name of a secret looks like: 1 to 128 letters, digits, `_`, `.` and `-` that start with a letter or `_`. */
export const secretName = /^[A-Za-z_][\w.-]{0,127}$/

/** Largest message in bytes, both ways: it is parsed on the host, and what a model reads or writes is far shorter. */
export const maxMessageBytes = 1_000_000

/** Records as an API would send them, about `bytes` long as JSON. */
export function recordsOf(bytes) {
  const record = { id: 'a1b2c3d4', name: 'A name with some words', price: 19.99, tags: ['red', 'large'], available: true }
  return Array.from({ length: Math.max(1, Math.round(bytes / (JSON.stringify(record).length + 1))) }, () => ({ ...record }))
}

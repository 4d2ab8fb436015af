import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, setUp } from './setup.mjs'

/**
 * Sets up what is missing, then becomes the tour: it is imported, not spawned, so Ctrl-C, exit codes and `kill -9` reach the
 * one process that owns the sandboxes and the database.
 */
export async function runTour() {
  await setUp({ command: 'npm start' })
  const tour = join(root, 'examples', 'tour', 'tour.mjs')
  process.argv[1] = tour
  await import(pathToFileURL(tour).href)
}

import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs `run` with a temporary directory. Others may enter it: as root, PostgreSQL runs as another user. */
export async function withScratch(run) {
  const folder = await mkdtemp(join(tmpdir(), 'cordon-bench-'))
  try {
    await chmod(folder, 0o711)
    return await run(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

import { createHandler } from '@cordon/adapters'
import { createPlatform } from '@cordon/core'

// Processes and sockets: not for the edge runtime, and nothing to render ahead.
export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'

// Next.js loads a route again when it changes; a second platform on the same directory is the same platform.
const platform = await createPlatform({ dataDir: process.env.DATA_DIR ?? '.cordon' })
const handle = createHandler(platform, { basePath: '/cordon' })

export { handle as GET, handle as HEAD, handle as POST, handle as PUT, handle as PATCH, handle as DELETE, handle as OPTIONS }

import { PlatformError } from '@cordon/contracts'

/** The oldest Node line that works: `require` of ES modules and the permission model. */
const floor = { major: 20, minor: 19 }

/** @throws PlatformError INVALID_OPTION when this Node is too old */
export function checkNodeVersion(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > floor.major || (major === floor.major && minor >= floor.minor)) return
  throw new PlatformError(
    'INVALID_OPTION',
    `Cannot start on Node ${version}: Cordon needs Node ${floor.major}.${floor.minor} or newer. Install a newer Node`,
    {
      details: { node: version, needed: `${floor.major}.${floor.minor}` },
    },
  )
}

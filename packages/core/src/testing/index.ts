export { createTestHost, type TestHost, type TestHostParts } from './create-test-host.ts'
export { createTestDirectory } from './test-directory.ts'
export { analyzerBuild, platformBuild } from './platform-build.ts'

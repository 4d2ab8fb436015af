export { createTestHost, type TestHost, type TestHostParts } from './create-test-host.ts'
export type { AnswerRequest } from './answered-requests.ts'

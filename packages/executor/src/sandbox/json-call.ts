import type { ExecutableVersion, JsonInvocation, Outcome } from '@cordon/contracts'
import { encodeTextFrame } from '../frames/encoder.ts'
import { toSandbox } from '../frames/protocol.ts'
import { Call, type CallOwner } from './call.ts'
import type { Sandbox } from './sandbox.ts'

/** A call of a JSON function. */
export class JsonCall extends Call {
  readonly kind = 'json'
  readonly isRepeatable = true
  readonly outcome: Promise<Outcome>
  readonly #invocation: JsonInvocation
  #resolve: (outcome: Outcome) => void = () => {}

  constructor(version: ExecutableVersion, invocation: JsonInvocation, owner: CallOwner) {
    super(version, invocation, owner)
    this.#invocation = invocation
    this.outcome = new Promise((resolve) => (this.#resolve = resolve))
  }

  start(sandbox: Sandbox, deadline: number): void {
    const { invocationId, user, secrets, request, inputJson, capabilities } = this.#invocation
    const head = JSON.stringify({ i: invocationId, u: user, s: secrets, r: request, d: deadline, t: capabilities.traceparent })
    sandbox.sendCall(encodeTextFrame(toSandbox.invoke, this.id, `${head}\n${inputJson ?? ''}`))
  }

  protected deliver(outcome: Outcome): void {
    this.#resolve(outcome)
  }
}

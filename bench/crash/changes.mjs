/**
 * Those who change what is deployed. Each owns what it changes and makes one change after the other; after an answer that leaves open whether
 * a change was made it waits until the next check has found out.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ask, deploy } from './client.mjs'
import { markedUpload, migratedUpload, refusedUpload } from './functions.mjs'
import { told } from './load.mjs'

/** Answers that say that a change was not made. */
const notMade = new Set(['DEPLOYMENT_REJECTED', 'ANALYSIS_LIMIT', 'INVALID_OPTION', 'FUNCTION_NOT_FOUND', 'VERSION_NOT_FOUND'])
/** What happens to a deployed function, each as often as it stands here. */
const acts = ['deploy', 'deploy', 'deploy', 'deploy', 'roll back', 'roll back', 'refuse', 'remove']
/** Pause between two changes of one owner, in milliseconds. */
const pauseMs = 50

/** Something with one value that changes: `value` as far as it is known, `next` while it is open whether that has taken its place. */
export class Register {
  value
  next
  isOpen = false

  constructor(value) {
    this.value = value
  }

  /** Takes what a check saw; gives whether it may be so. */
  settle(seen) {
    const isPossible = seen === this.value || (this.isOpen && seen === this.next)
    Object.assign(this, { value: seen, next: undefined, isOpen: false })
    return isPossible
  }
}

/** One change, noted in the ledger and in its register; `note` takes down what else an acknowledged one means, before a check may look. */
async function change({ ledger, gate }, { kind, facts, register, next, note }, send) {
  const entry = ledger.begin(kind, { ...facts, ...(next === undefined ? {} : { next }) })
  const answer = await send()
  const state = answer.kind === 'done' ? 'acknowledged' : answer.kind === 'unsent' || notMade.has(answer.code) ? 'refused' : 'unknown'
  ledger.end(entry, state, { ...told(answer), ...(answer.value?.version === undefined ? {} : { version: answer.value.version }) })
  if (entry.state === 'acknowledged') register.value = next
  else if (entry.state === 'unknown') Object.assign(register, { next, isOpen: true })
  if (entry.state === 'acknowledged') note?.(entry)
  await gate.leave(answer)
  await delay(pauseMs)
}

/** A function that is deployed, refused, rolled back, removed. */
export class DeployedFunction {
  name
  tenant
  /** Mark of the live version; `undefined`: there is none. */
  live = new Register(undefined)
  /** Version ids and the hashes of their code, as soon as a check has seen it, by mark. */
  versions = new Map()
  #number = 0

  constructor(name, tenant) {
    this.name = name
    this.tenant = tenant
  }

  async run(parts) {
    const { gate, random } = parts
    while (await gate.pass(this.live)) {
      const marks = [...this.versions.keys()].filter((mark) => mark !== this.live.value)
      const act = this.live.value === undefined ? 'deploy' : random.of(acts)
      if (act === 'refuse') await this.#refuse(parts)
      else if (act === 'remove') await this.#remove(parts)
      else if (act === 'roll back' && marks.length > 0) await this.#rollBack(parts, random.of(marks))
      else await this.#deploy(parts)
    }
  }

  async #deploy(parts) {
    const mark = `${this.name}#${++this.#number}`
    const note = ({ version }) => this.versions.set(mark, { version })
    await change(parts, { kind: 'deployment', facts: this.#facts, register: this.live, next: mark, note }, () =>
      deploy(parts.host.port, this.name, { tenant: this.tenant, files: markedUpload(mark) }),
    )
  }

  async #refuse(parts) {
    const mark = `refused-${this.name}#${++this.#number}`
    await change(parts, { kind: 'refused deployment', facts: { ...this.#facts, isNever: true, mark }, register: this.live }, () =>
      deploy(parts.host.port, this.name, { tenant: this.tenant, files: refusedUpload(mark) }),
    )
  }

  async #rollBack(parts, mark) {
    const { version } = this.versions.get(mark)
    await change(parts, { kind: 'rollback', facts: this.#facts, register: this.live, next: mark }, () =>
      ask(parts.host.port, `/api/functions/${this.name}/rollback`, { tenant: this.tenant, body: { version } }),
    )
  }

  async #remove(parts) {
    const note = () => this.versions.clear()
    await change(parts, { kind: 'removal', facts: this.#facts, register: this.live, next: undefined, note }, () =>
      ask(parts.host.port, `/api/functions/${this.name}`, { tenant: this.tenant, method: 'DELETE' }),
    )
  }

  get #facts() {
    return { name: this.name, tenant: this.tenant }
  }
}

/** A function whose every deployment brings one migration more. */
export class MigratedFunction {
  name = 'migrated'
  tenant
  /** Number of the last migration of the live version. */
  live = new Register(0)
  #bad = 0

  constructor(tenant) {
    this.tenant = tenant
  }

  async run(parts) {
    const { gate, random, host } = parts
    while (await gate.pass(this.live)) {
      const isBad = random.chance(0.3)
      const next = this.live.value + 1
      const files = isBad ? migratedUpload(this.live.value, ++this.#bad) : migratedUpload(next)
      const made = isBad
        ? { kind: 'refused migration', facts: { isNever: true, number: this.#bad }, register: this.live }
        : { kind: 'migration', facts: {}, register: this.live, next }
      await change(parts, made, () => deploy(host.port, this.name, { tenant: this.tenant, files }))
      await delay(random.between(0, 200))
    }
  }
}

/** A secret that gets new values. */
export class Secret {
  tenant
  value = new Register('word-0')
  #number = 0

  constructor(tenant) {
    this.tenant = tenant
  }

  async run(parts) {
    const { gate, host } = parts
    while (await gate.pass(this.value)) {
      const next = `word-${++this.#number}`
      await change(parts, { kind: 'secret', facts: { tenant: this.tenant }, register: this.value, next }, () =>
        ask(host.port, `/control/secret?tenant=${this.tenant}&name=WORD&value=${next}`),
      )
      await delay(pauseMs)
    }
  }
}

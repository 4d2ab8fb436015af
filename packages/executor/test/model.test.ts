import { expect } from 'chai'
import { isAlive } from './harness.ts'
import { createRandom } from './model-random.ts'
import { readDocumentedTransitions, transitions } from './model-transitions.ts'
import { World, type Act } from './model-world.ts'

/** A longer run: CORDON_MODEL_EPISODES=500. The same run again: CORDON_MODEL_SEED=<number>. */
const episodes = Number(process.env['CORDON_MODEL_EPISODES'] ?? 2)
const firstSeed = Number(process.env['CORDON_MODEL_SEED'] ?? Date.now() % 1_000_000)
const steps = 10

/** An event with its weight; `undefined` of `run` would mean that there is nothing to do it to. */
const events: readonly [weight: number, name: string, run: (world: World, random: () => number) => void | Promise<void>][] = [
  ...(
    [
      [6, 'ok'],
      [4, 'pause'],
      [2, 'throw'],
      [2, 'crash'],
      [2, 'loop'],
      [1, 'never'],
      [1, 'memory'],
      [2, 'violate'],
    ] as const
  ).map(([weight, act]): [number, string, (world: World, random: () => number) => void] => [
    weight,
    act,
    (world, random) => world.call(pick(world.versions, random), act),
  ]),
  [2, 'cancel at once', (world, random) => cancelled(world, random, 'never')],
  [1, 'cancel later', cancelLater],
  [1, 'cancel a loop', (world, random) => cancelled(world, random, 'loop')],
  [2, 'retire', (world, random) => world.executor.retire(pick(world.versions, random))],
  [2, 'preload', async (world, random) => world.executor.preload(pick(world.versions, random))],
  [2, 'settle', (world) => world.allSettled()],
  [1, 'kill', (world, random) => world.disturb(pick(world.living(), random), 'SIGKILL')],
  [1, 'stop', (world, random) => world.disturb(pick(world.living(), random), 'SIGSTOP')],
]

function pick<T>(list: readonly T[], random: () => number): T {
  const one = list[Math.floor(random() * list.length)]
  if (one === undefined) throw new Error('there is nothing to pick from')
  return one
}

function cancelled(world: World, random: () => number, act: Act): void {
  const controller = new AbortController()
  world.call(pick(world.versions, random), act, controller.signal)
  controller.abort()
}

function cancelLater(world: World, random: () => number): void {
  const controller = new AbortController()
  world.call(pick(world.versions, random), 'never', controller.signal)
  setTimeout(() => controller.abort(), random() * 100)
}

function nextEvent(random: () => number): (typeof events)[number] {
  let left = random() * events.reduce((sum, [weight]) => sum + weight, 0)
  for (const event of events) if ((left -= event[0]) < 0) return event
  return pick(events, random)
}

async function runEpisode(world: World, seed: number, end: 'quiet' | 'close' | 'destroy'): Promise<void> {
  const random = createRandom(seed)
  const story: string[] = []
  try {
    for (let step = 0; step < steps; step++) {
      const [, name, run] = nextEvent(random)
      story.push(name)
      if ((name === 'kill' || name === 'stop') && world.living().length === 0) continue
      await run(world, random)
      if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve))
      world.check()
    }
    story.push(end)
    if (end === 'quiet') await world.quiet()
    else {
      world.closing()
      await (end === 'close' ? world.executor.close() : world.executor.destroy())
      await world.allSettled()
    }
    world.renewVersions()
  } catch (error) {
    throw new Error(`seed ${seed}: ${story.join(', ')}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

describe('the states of a sandbox', () => {
  it('are those of docs/lifecycle.md', async () => {
    expect(await readDocumentedTransitions()).to.deep.equal(transitions)
  })

  for (const level of ['best-effort', 'basic'] as const) {
    for (const end of ['close', 'destroy'] as const) {
      it(`change as the model allows in random sequences of events, up to ${end} (${level}; seed ${firstSeed})`, async function () {
        this.timeout(60_000 + episodes * 10_000)
        const world = await World.create(level)
        try {
          for (let episode = 1; episode <= episodes; episode++) await runEpisode(world, firstSeed + episode, episode < episodes ? 'quiet' : end)
          expect(world.executor.stats().sandboxes.total).to.equal(0)
          for (const pid of world.states.keys()) expect(await isAlive(pid), `process ${pid}`).to.equal(false)
        } finally {
          await world.executor.destroy()
        }
      })
    }
  }
})

import * as entry from '@cordon/adapters'
import * as expressEntry from '@cordon/adapters/express'
import * as fastifyEntry from '@cordon/adapters/fastify'
import * as honoEntry from '@cordon/adapters/hono'
import * as koaEntry from '@cordon/adapters/koa'
import * as nodeEntry from '@cordon/adapters/node'
import { expect } from 'chai'

describe('the public API of @cordon/adapters', () => {
  it('is exactly this', () => {
    expect(Object.keys(entry)).to.have.members(['createHandler'])
    expect(Object.keys(expressEntry)).to.have.members(['expressAdapter'])
    expect(Object.keys(fastifyEntry)).to.have.members(['fastifyAdapter'])
    expect(Object.keys(honoEntry)).to.have.members(['honoAdapter'])
    expect(Object.keys(koaEntry)).to.have.members(['koaAdapter'])
    expect(Object.keys(nodeEntry)).to.have.members(['nodeAdapter', 'readHostFile', 'serve'])
  })
})

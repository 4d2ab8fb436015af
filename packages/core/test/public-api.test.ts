import { expect } from 'chai'
import * as core from '@cordon/core'
import * as doctor from '@cordon/core/doctor'
import * as testing from '@cordon/core/testing'
import * as upload from '@cordon/core/upload'

describe('public interface of @cordon/core', () => {
  it('is exactly this', () => {
    expect(Object.keys(core).sort()).to.deep.equal(['PlatformError', 'createPlatform', 'defineConfig', 'errorTable'])
  })

  it('has doors for the testing kit, for who reads uploads, and for who looks for what is wrong', () => {
    expect(Object.keys(doctor).sort()).to.deep.equal(['checkNodeVersion', 'tryEmbeddedDatabase', 'trySandbox'])
    expect(Object.keys(testing).sort()).to.deep.equal(['analyzerBuild', 'createTestDirectory', 'createTestHost', 'platformBuild'])
    expect(Object.keys(upload).sort()).to.deep.equal(['collect', 'isArchive', 'nameOf', 'sourceExtensions'])
  })
})

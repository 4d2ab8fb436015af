import { runOnCurrentNode } from './node-version.mjs'

runOnCurrentNode('npm test', function () {
  return import('./run-mocha.mjs').then(function (module) {
    return module.runMocha()
  })
})

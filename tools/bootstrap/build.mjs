import { runOnCurrentNode } from './node-version.mjs'

runOnCurrentNode('npm run build', function () {
  return import('./setup.mjs').then(function (module) {
    return module.setUp({ command: 'npm run build', mustBuild: true })
  })
})

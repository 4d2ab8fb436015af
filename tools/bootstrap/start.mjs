import { runOnCurrentNode } from './node-version.mjs'

runOnCurrentNode('npm start', function () {
  return import('./run-tour.mjs').then(function (module) {
    return module.runTour()
  })
})

const { reporters } = require('mocha')

/** The spec reporter, with a closing line that is the same for every run: `N passed, N failed, N skipped`. */
class Reporter extends reporters.Spec {
  epilogue() {
    super.epilogue()
    const { passes, failures, pending } = this.stats
    reporters.Base.consoleLog(`${passes} passed, ${failures} failed, ${pending} skipped`)
  }
}

module.exports = Reporter

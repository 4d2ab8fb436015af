import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { bin, runCordon } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

describe('cordon completion', () => {
  let folder: string
  let server: Server
  let env: Record<string, string>

  before(async () => {
    folder = await temporaryFolder('cordon-completion-')
    const names = ['hello', 'help-desk', '$(touch pwned)', '`touch pwned`', 'a b', '\u001b[2J', 'hel;touch pwned']
    server = createServer((_request, response) => response.end(JSON.stringify({ items: names.map((name) => ({ name })), next: null })))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    env = { CORDON_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, PATH: `${folder}:${process.env['PATH'] ?? ''}` }
    await writeFile(join(folder, 'cordon'), `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`)
    await chmod(join(folder, 'cordon'), 0o755)
  })
  after(async () => {
    server.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function words(...typed: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await runCordon(['complete', '--', ...typed], { cwd: folder, env })
    expect([code, stderr]).to.deep.equal([0, ''])
    return stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t')[0] ?? '')
  }

  it('knows commands, their families, options, and the names that a platform has, as far as they can be names', async () => {
    const asked: string[][] = []
    for (const typed of [
      ['ver'],
      ['db', ''],
      ['--json', 'deploy', '--d'],
      ['invoke', ''],
      ['--data-dir', 'x', 'logs', '-f', 'hel'],
      ['secrets', 'remove', 'a'],
      ['deploy', '--name', ''],
      ['frob', ''],
    ])
      asked.push(await words(...typed))
    expect(asked.slice(0, 6)).to.deep.equal([
      ['versions'],
      ['status', 'logs', 'shell'],
      ['--dry-run', '--data-dir'],
      ['hello', 'help-desk'],
      ['hello', 'help-desk'],
      [],
    ])
    expect(asked[6]).to.deep.equal([])
    expect(asked[7]).to.include('deploy')
  })

  const shells: Readonly<Record<string, { readonly args: readonly string[]; readonly script: string }>> = {
    bash: {
      args: ['--norc', '-c'],
      script: `eval "$(cordon completion bash)"; COMP_WORDS=(cordon invoke hel); COMP_CWORD=2; _cordon; printf '%s\\n' "\${COMPREPLY[@]}"`,
    },
    zsh: {
      args: ['-f', '-c'],
      script: `compdef() { :; }; _describe() { print -l -- $found; }; eval "$(cordon completion zsh)"; words=(cordon invoke hel); CURRENT=3; _cordon`,
    },
    fish: { args: ['--no-config', '-c'], script: 'cordon completion fish | source; complete -C "cordon invoke hel"' },
  }
  for (const [shell, { args, script }] of Object.entries(shells)) {
    if (spawnSync(shell, ['-c', 'exit 0']).status !== 0) {
      it.skip(`works in ${shell} (skipped: there is none here)`)
      continue
    }
    it(`works in ${shell}, which expands nothing of what a platform says`, async () => {
      const child = spawn(shell, [...args, script], { cwd: folder, env: { ...process.env, ...env } })
      const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)])
      expect(error).to.equal('')
      expect(
        out
          .trim()
          .split('\n')
          .map((line) => line.split(':')[0]?.trim()),
      ).to.deep.equal(['hello', 'help-desk'])
      expect(await access(join(folder, 'pwned')).catch(() => 'absent')).to.equal('absent')
    })
  }

  it('prints a script for the shells that it knows only', async () => {
    expect((await runCordon(['completion', 'toString'], { cwd: folder })).code).to.equal(2)
  })
})

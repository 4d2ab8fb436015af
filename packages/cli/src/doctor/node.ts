import type { Finding } from './finding.ts'

/** Lines of Node that get no fixes any more (https://nodejs.org/en/about/previous-releases). */
const lastEndedMajor = 20

/** Whether this Node is new enough, and still gets fixes. */
export async function checkNode(): Promise<readonly Finding[]> {
  const { checkNodeVersion } = await import('@cordon/core/doctor')
  const { node } = process.versions
  const where = `Node ${node} on ${process.platform} ${process.arch}`
  checkNodeVersion(node)
  if (Number.parseInt(node, 10) <= lastEndedMajor)
    return [
      {
        check: 'node',
        state: 'warn',
        message: `${where} gets no security fixes any more`,
        remedy: 'Install Node 24, or another line that is maintained',
      },
    ]
  return [{ check: 'node', state: 'ok', message: where }]
}

/** esbuild is a program for one kind of machine: a node_modules that came from another one has the wrong one, or none. */
export async function checkPackages(): Promise<readonly Finding[]> {
  const { transform, version } = await import('esbuild')
  await transform('')
  return [{ check: 'packages', state: 'ok', message: `esbuild ${version} runs` }]
}

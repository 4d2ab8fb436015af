import { createPlatform } from '@cordon/core'

const platform = await createPlatform() // keeps its database in ./.cordon

await platform.deploy({
  name: 'hello',
  source: `
    /** @function */
    export default async function hello(input: { name: string }) {
      console.log('greeting', input.name)
      return { greeting: 'Hello ' + input.name }
    }`,
})

const { output, version, logs } = await platform.invoke('hello', { name: 'Ada' })
console.log(output.greeting) // Hello Ada
console.log(version, logs[0].message) // v_… greeting Ada

await platform.close()

/** @function */
export default async function greet(input: { name?: string }): Promise<{ greeting: string }> {
  return { greeting: `Hello ${input.name ?? 'stranger'}` }
}

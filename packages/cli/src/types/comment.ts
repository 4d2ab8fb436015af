/** A doc comment that ends where it should, whatever the text says, followed by a line feed. */
export function commentOf(text: string): string {
  const lines = text
    .replaceAll(/[^\P{Cc}\n]|[\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, ' ')
    .replaceAll('*/', '*\\/')
    .split('\n')
  const [only = ''] = lines
  return lines.length === 1 ? `/** ${only.trim()} */\n` : `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`
}

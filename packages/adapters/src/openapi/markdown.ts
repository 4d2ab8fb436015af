/**
 * A doc comment as Markdown that renders no HTML, no image and no link but to `https:`, `http:` and `mailto:`. Whoever deploys
 * a function writes for the pages of those who read about it.
 */
export function safeMarkdown(text: string): string {
  return (
    text
      .replaceAll(/[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069]/gu, '')
      // `&#106;avascript:` is decoded in the target of a link (CommonMark, section 2.5).
      .replaceAll(/&(?=#|[A-Za-z])/g, '&amp;')
      .replaceAll(/<(?=[A-Za-z/!?])/g, '&lt;')
      .replaceAll('![', '!\\[')
      .replaceAll(/\](\((?!https?:\/\/|mailto:)|:)/g, '\\]\\$1')
      // Not only for those who render, also for those who look for it with an expression.
      .replaceAll(/\b(javascript|vbscript|data):/gi, '$1\\:')
  )
}

/** The first line of a doc comment as plain text of at most `length` characters. */
export function firstLine(text: string, length: number): string {
  const [line = ''] = text.replaceAll(/[^\P{Cc}\n]|\p{Cf}/gu, ' ').split('\n', 1)
  const characters = [...line.trim()]
  return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`
}

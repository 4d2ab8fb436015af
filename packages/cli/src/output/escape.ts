/**
 * Characters that steer a terminal or change how text reads: C0 and C1 controls (escape sequences start with them),
 * the line and paragraph separators, and the marks that reorder text (Trojan Source, CVE-2021-42574).
 */
// oxlint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** Text that a function or a server wrote, safe to show on a terminal. Tabs and line feeds stay. */
export function escapeText(text: string): string {
  return text.replace(unsafe, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** The same on one line: line feeds are shown, too, so that a log entry cannot pretend to be several. */
export function escapeLine(text: string): string {
  return escapeText(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

/** Text for a terminal that does not take UTF-8. */
export function escapeNonAscii(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

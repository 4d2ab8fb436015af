/**
 * Makes comments that name a source map say nothing to esbuild, which would read a map behind a `file:` URL from the disk of
 * this machine. Inline maps are left out as well: places are those of the uploaded files, which is where diagnostics point, too.
 * The text keeps its length; strings that only begin such a comment, as code generators have them, stay what they are.
 */
export function hideInputMaps(text: string): string {
  return text.includes('sourceMappingURL') ? text.replaceAll(comment, '$1 ') : text
}

const comment = /(\/[/*][#@]\s*sourceMappingURL)=(?=(?:data:[^,'"`\s]*,)?[^\s'"`$])/g

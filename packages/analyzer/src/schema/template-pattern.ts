import { ts } from '@ts-morph/common'

/** Most placeholders of a template that is turned into a pattern. */
const maxParts = 50

/** A regular expression for a template literal type; `undefined` when a placeholder has no form in one. */
export function templatePattern(type: ts.Type): string | undefined {
  if (!isTemplate(type) || type.types.length > maxParts) return undefined
  let pattern = '^'
  for (const [index, text] of type.texts.entries()) {
    pattern += text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
    const placeholder = type.types[index]
    if (placeholder === undefined) continue
    const part = placeholderPattern(placeholder)
    if (part === undefined) return undefined
    pattern += part
  }
  return `${pattern}$`
}

function placeholderPattern(placeholder: ts.Type): string | undefined {
  if ((placeholder.flags & ts.TypeFlags.String) !== 0) return String.raw`[\s\S]*`
  if ((placeholder.flags & ts.TypeFlags.Number) !== 0) return String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?`
  if ((placeholder.flags & ts.TypeFlags.BigInt) !== 0) return String.raw`-?(?:0|[1-9]\d*)`
  return templatePattern(placeholder)?.slice(1, -1)
}

function isTemplate(type: ts.Type): type is ts.TemplateLiteralType {
  return (type.flags & ts.TypeFlags.TemplateLiteral) !== 0
}

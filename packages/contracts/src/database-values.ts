/**
 * Turns a value in PostgreSQL's text form into one of JavaScript, by the number of its type (`pg_type.oid`, which never change for
 * built-in types). Runs inside the sandbox: the host only passes the text on, so what a value costs to read is the function's own time.
 */
export function readCell(typeId: number, text: string): unknown {
  switch (typeId) {
    case 16:
      return text === 't'
    // int2, int4, oid, float4, float8
    case 21:
    case 23:
    case 26:
    case 700:
    case 701:
      return Number(text)
    case 17:
      return text.startsWith('\\x') ? Buffer.from(text.slice(2), 'hex') : text
    // date, timestamp, timestamptz
    case 1082:
    case 1114:
    case 1184:
      return readDate(text)
    // json, jsonb
    case 114:
    case 3802:
      return JSON.parse(text)
    default: {
      const element = elements.get(typeId)
      return element === undefined ? text : readArray(element, text)
    }
  }
}

/** Type of a list -> type of its elements. */
const elements = new Map([
  [1000, 16],
  [1001, 17],
  [1005, 21],
  [1007, 23],
  [1028, 26],
  [1021, 700],
  [1022, 701],
  [1182, 1082],
  [1115, 1114],
  [1185, 1184],
  [199, 114],
  [3807, 3802],
  // int8, numeric, text, varchar, char, name, uuid, interval, time, timetz, inet, cidr: text
  [1016, 20],
  [1231, 1700],
  [1009, 25],
  [1015, 25],
  [1014, 25],
  [1003, 25],
  [2951, 25],
  [1187, 25],
  [1183, 25],
  [1270, 25],
  [1041, 25],
  [651, 25],
])

const dateForm = /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(\.\d+)?)?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?( BC)?$/

/** What has no zone is taken as UTC, as it is sent. Dates that JavaScript cannot hold, and those in another style than ISO, stay text. */
function readDate(text: string): Date | number | string {
  if (text === 'infinity') return Infinity
  if (text === '-infinity') return -Infinity
  const found = dateForm.exec(text)
  if (found === null) return text
  const [, year, month, day, hour = 0, minute = 0, second = 0, fraction = 0, sign, zoneHour = 0, zoneMinute = 0, zoneSecond = 0, era] = found
  const date = new Date(0)
  // Not Date.UTC: it takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(era === undefined ? Number(year) : 1 - Number(year), Number(month) - 1, Number(day))
  date.setUTCHours(Number(hour), Number(minute), Number(second), Math.floor(Number(fraction) * 1000 + 1e-6))
  const offset = (Number(zoneHour) * 3600 + Number(zoneMinute) * 60 + Number(zoneSecond)) * (sign === '-' ? -1000 : 1000)
  const time = date.getTime() - offset
  return Number.isNaN(time) ? text : new Date(time)
}

/** The text form of a list (PostgreSQL manual, 8.15.6): `{1,NULL,"a,b"}`, nested, maybe with bounds before it. */
function readArray(element: number, text: string): unknown {
  let at = text.startsWith('[') ? text.indexOf('=') + 1 : 0
  function readList(): unknown[] {
    const list: unknown[] = []
    // The opening brace.
    at++
    while (at < text.length && text[at] !== '}') {
      list.push(text[at] === '{' ? readList() : readElement())
      if (text[at] === ',') at++
    }
    at++
    return list
  }
  function readElement(): unknown {
    if (text[at] === '"') return readCell(element, readQuoted())
    const from = at
    while (at < text.length && text[at] !== ',' && text[at] !== '}') at++
    const word = text.slice(from, at)
    return word === 'NULL' ? null : readCell(element, word)
  }
  function readQuoted(): string {
    let word = ''
    for (at++; at < text.length && text[at] !== '"'; at++) {
      if (text[at] === '\\') at++
      word += text[at] ?? ''
    }
    at++
    return word
  }
  return readList()
}

/** A moment as PostgreSQL reads it: ISO 8601, with years beyond 9999 and before the first in its own way. */
export function writeDate(date: Date): string {
  const year = date.getUTCFullYear()
  if (Number.isNaN(year)) throw new TypeError('Cannot use a Date as a query parameter: it is an invalid one')
  const text = date.toISOString()
  if (year >= 1 && year <= 9999) return text
  // "-MM-DDTHH:mm:ss.sssZ"
  const rest = text.slice(-20)
  return year > 9999 ? `${year}${rest}` : `${String(1 - year).padStart(4, '0')}${rest} BC`
}

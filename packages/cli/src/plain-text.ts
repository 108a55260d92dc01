/** Control characters but line feed and tab, and those that turn the direction of text. */
const INVISIBLE = /(?![\n\t])[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu

/** Text that cannot move a terminal's cursor, colour or overwrite what it shows. */
export function plainText(text: string): string {
  return text.replace(INVISIBLE, '')
}

/** The same on one line, so that what somebody wrote cannot look like a line of the command's own. */
export function plainLine(text: string): string {
  return plainText(text.replace(/\s+/gu, ' '))
}

/** JSON that is as harmless: what it leaves unescaped by itself, such as U+009B, which some terminals take for ESC [. */
export function plainJson(value: object): string {
  const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replace(INVISIBLE, escaped)
}

const TOKENS =
  /(?<comment>\/\/.*)|(?<string>'[^'\n]*'|"[^"\n]*")|(?<keyword>\b(?:import|from|const|await|true|false|null)\b)|(?<number>-?\b\d[\d_.]*\b)|(?<call>\b\w+(?=\())|(?<key>\b\w+(?=:))/g

/** Source with its tokens in spans of class `t-keyword`, `t-string` and so on. JSON is source too. */
export function highlightSource(source: string): DocumentFragment {
  const fragment = document.createDocumentFragment()
  let end = 0
  for (const match of source.matchAll(TOKENS)) {
    fragment.append(source.slice(end, match.index))
    end = match.index + match[0].length
    const kind = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)?.[0] ?? ''
    const span = document.createElement('span')
    span.className = `t-${kind === 'string' && source[end] === ':' ? 'key' : kind}`
    span.textContent = match[0]
    fragment.append(span)
  }
  fragment.append(source.slice(end))
  return fragment
}

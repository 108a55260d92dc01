/** Of a page to read: by day, in the dark, on a phone, on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ink: #1b1f24; --soft: #57606a; --line: #d7dce2; --paper: #fff; --tint: #f4f6f8; --mark: #fff4d6; --edge: #d49b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e8eaed; --soft: #9aa4af; --line: #363c44; --paper: #15181c; --tint: #1f242a; --mark: #3a2f10; --edge: #d9a520;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 52rem; margin: 0 auto; padding: 2rem 1.25rem 4rem }
header { border-bottom: 1px solid var(--line); margin-bottom: 1.5rem }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere }
header p { color: var(--soft); margin: .5rem 0 1rem; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
.table { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); overflow-wrap: break-word }
th[scope=row] { font-weight: 600; width: 11rem; min-width: 7rem }
th[scope=row] code { white-space: nowrap }
th[scope=col] { color: var(--soft); font-weight: 500; font-size: .875rem }
code, pre { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
code { background: var(--tint); border-radius: 4px; padding: .1em .3em; overflow-wrap: anywhere }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 8px; padding: .9rem 1rem; overflow-x: auto }
pre code { background: none; padding: 0; overflow-wrap: normal }
.warning { background: var(--mark); border-left: 4px solid var(--edge); border-radius: 4px; padding: .6rem .9rem }
@media (width < 30rem) { th[scope=row] { width: auto; min-width: 5rem } }
@media print {
  :root { --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --tint: #f4f4f4; --mark: #fff }
  body { font-size: 10.5pt }
  main { max-width: none; padding: 0 }
  h2 { break-after: avoid }
  tr, pre { break-inside: avoid }
  pre, code { white-space: pre-wrap }
}
`

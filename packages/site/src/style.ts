/** Of every page: by day, in the dark, on a phone, on paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ink: #1b1f24; --soft: #57606a; --line: #d7dce2; --paper: #fff; --tint: #f4f6f8; --link: #0a58b5;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --soft: #9aa4af; --line: #363c44; --paper: #15181c; --tint: #1f242a; --link: #7ab4ff }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, sans-serif }
a { color: var(--link) }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: .9rem 1.25rem; border-bottom: 1px solid var(--line) }
nav a { text-decoration: none; padding: .2rem 0 }
nav .home { font-weight: 700; color: var(--ink) }
nav [aria-current] { border-bottom: 2px solid currentColor }
.skip { position: absolute; left: -100vw }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .3rem .6rem }
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem }
.section { color: var(--soft); font-size: .875rem; margin: 0 }
h1 { font-size: 1.75rem; line-height: 1.2; margin: .25rem 0 1rem; overflow-wrap: anywhere }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem }
li { margin: .25rem 0; overflow-wrap: anywhere }
.table { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line) }
code, pre { font: .875em/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
code { background: var(--tint); border-radius: 4px; padding: .1em .3em }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 8px; padding: .9rem 1rem; overflow-x: auto }
pre code { background: none; padding: 0 }
@media print { nav, .skip { display: none } main { max-width: none; padding: 0 } pre { white-space: pre-wrap } }
`

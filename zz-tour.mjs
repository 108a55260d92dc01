import { chromium } from '/work/main/node_modules/playwright-core/index.mjs'
import { startTour } from '/work/main/examples/start-tour.ts'
const t = await startTour({ port: 0 })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: '--no-sandbox --disable-background-networking --disable-component-update --disable-sync --no-first-run'.split(' ') })
const p = await browser.newPage({ viewport: { width: 1400, height: 1000 } })
p.on('console', (m) => console.log(m.type(), m.text()))
p.on('pageerror', (e) => console.log('ERR', e.message))
p.on('requestfailed', (r) => console.log('failed', r.url()))
await p.goto(t.urls.tour)
await p.waitForTimeout(4000)
await p.screenshot({ path: '/tmp/try/tour.png' })
await browser.close(); await t.close()

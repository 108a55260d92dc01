import { spawn } from 'node:child_process'
import { test } from 'vitest'

const SERVER = `require('node:http').createServer((request, response) => response.end())
  .listen(0, '127.0.0.1', function () { require('node:fs').writeFileSync(process.env.PORT_FILE, String(this.address().port)) })`

test('starts a server in a process of its own and never ends', { timeout: 60_000 }, async () => {
  spawn(process.execPath, ['-e', SERVER])
  await new Promise(() => undefined)
})

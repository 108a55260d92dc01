/** All that a developer writes between `npm create vite` and a prediction, by the file it goes into. */
export const OWN_LINES = {
  'vite.config.ts': `import { defineConfig } from 'vite'
import { afield } from 'afield/vite'
export default defineConfig({ plugins: [afield({ repository: 'models-repo' })] })
`,
  // In place of the same line of what `afield init` wrote.
  'src/afield.ts': `const repository = '/models/'
`,
  'src/main.ts': `import { afield } from './afield'
const model = await afield.load('learner-risk')
const { outputs } = await model.predict({ hours_studied: 60, quiz_score: 0 })
document.querySelector<HTMLElement>('#app')!.dataset.answer = JSON.stringify(outputs)
`,
} as const

/** How many lines those are. */
export function countOwnLines(): number {
  return Object.values(OWN_LINES).flatMap((text) => text.trim().split('\n')).length
}

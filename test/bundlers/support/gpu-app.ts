/** An app that has its model served on WebGPU, and shows the first answer that came from there. */
export const GPU_APP = `import { createAfield } from 'afield'
import deployment from './deployment.json' with { type: 'json' }

const { repository, root, record } = deployment

const afield = createAfield({ repository, root })
const model = await afield.load('learner-risk', { backend: 'webgpu' })
let answer = await model.predict(record)
while (answer.backend !== 'webgpu') {
  await new Promise((resolve) => setTimeout(resolve, 50))
  answer = await model.predict(record)
}
document.body.dataset.answer = JSON.stringify(answer.outputs)
`

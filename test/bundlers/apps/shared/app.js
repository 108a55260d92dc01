import { createAfield } from 'afield'
import deployment from './deployment.json' with { type: 'json' }

const { repository, root, record } = deployment

const afield = createAfield({ repository, root })
const model = await afield.load('learner-risk')
const { outputs } = await model.predict(record)
document.body.dataset.answer = JSON.stringify(outputs)

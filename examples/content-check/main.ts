import { startPage } from '../page/page.js'
import { clearError, onChange, readMessage, showError } from './message.js'
import { showIdle, showInvalid, showTrouble, showVerdict } from './verdict.js'

onChange(
  startPage({
    model: 'content-check',
    namespace: 'content-check',
    read: readMessage,
    show(prediction) {
      clearError()
      showVerdict(prediction)
    },
    showIdle() {
      clearError()
      showIdle()
    },
    showInvalid(error) {
      showError(error)
      showInvalid()
      return true
    },
    showTrouble(what, todo) {
      clearError()
      showTrouble(what, todo)
    },
    killed: {
      what: 'Not checked at the moment',
      todo: 'The model’s team has switched it off. A message can be sent all the same; people will look at it.',
    },
  }),
)

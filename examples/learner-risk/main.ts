import { startPage } from '../page/page.js'
import { showInvalid, showPrediction, showTrouble } from './answer.js'
import { clearErrors, onChange, readRecord, showError } from './form.js'

onChange(
  startPage({
    model: 'learner-risk',
    read: readRecord,
    show(prediction) {
      clearErrors()
      showPrediction(prediction)
    },
    showInvalid(error) {
      const shown = showError(error) !== undefined
      if (shown) showInvalid()
      return shown
    },
    showTrouble(what, todo) {
      clearErrors()
      showTrouble(what, todo)
    },
    killed: {
      what: 'No estimate at the moment',
      todo: 'The model’s team has switched it off. Whoever would like support can ask for it all the same.',
    },
  }),
)

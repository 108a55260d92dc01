import { startPage } from '../page/page.js'
import { showDigit, showIdle, showTrouble } from './answer.js'
import { onChange, readDrawing } from './pad.js'
import { replayWith } from './replay.js'

onChange(
  startPage({
    model: 'digit-reader',
    namespace: 'digit-reader',
    read: readDrawing,
    show: showDigit,
    showIdle,
    // Whatever is drawn fits the contract.
    showInvalid: () => false,
    showTrouble,
    serves: replayWith,
    killed: {
      what: 'Not read at the moment',
      todo: 'The model’s team has switched it off. A digit can be typed in its place.',
    },
  }),
)

import type { LargeMlp } from '../../support/large-mlp.js'
import { LARGE_MLP } from '../../support/large-mlp.js'
import { figure, type Figure } from '../figure.js'
import { measureFirstPredictions } from '../first-prediction/rig.js'

/** What verifying every chunk costs the first prediction of a 38 MB model, beside a worker that verifies nothing. */
export async function benchLargeStart(model: LargeMlp): Promise<readonly Figure[]> {
  const { times } = await measureFirstPredictions({
    model: { name: LARGE_MLP, file: model.file },
    pages: ['afield', 'bare'],
    rounds: 15,
    predictions: 0,
  })
  const ratios = times.afield.map((ms, i) => ms / (times.bare[i] ?? Number.NaN))
  return [
    figure('manifest/first-prediction-38-mb/afield', 'ms', times.afield),
    figure('manifest/first-prediction-38-mb/bare-worker', 'ms', times.bare),
    figure('manifest/first-prediction-38-mb/ratio-to-bare-worker', '×', ratios, { most: 1.15 }),
  ]
}

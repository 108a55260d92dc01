import { join } from 'node:path'
import { figure, type Figure } from './figure.js'
import { measureFirstPredictions, type PageName } from './first-prediction/rig.js'

/** The first prediction with a model of 340 kB, beside a bare worker and transformers.js. */
export async function benchStart(): Promise<readonly Figure[]> {
  const { times, requests, longTasks } = await measureFirstPredictions({
    model: { name: 'digits-mlp', file: join(import.meta.dirname, '..', 'models', 'digits-mlp.onnx') },
    pages: ['afield', 'bare', 'transformers'],
    rounds: 15,
    predictions: 1000,
  })
  const ratio = (peer: PageName): readonly number[] =>
    times.afield.map((ms, i) => ms / (times[peer][i] ?? Number.NaN))
  return [
    figure('start/first-prediction/afield', 'ms', times.afield),
    figure('start/first-prediction/bare-worker', 'ms', times.bare),
    figure('start/first-prediction/transformers.js', 'ms', times.transformers),
    figure('start/ratio-to-bare-worker', '×', ratio('bare'), { most: 1.1 }),
    figure('start/ratio-to-transformers.js', '×', ratio('transformers'), { most: 0.5 }),
    figure('start/requests-before-first-prediction', '', [requests], { most: 0 }),
    figure('start/page-tasks-over-50-ms', '', [longTasks.length], { most: 0 }),
  ]
}

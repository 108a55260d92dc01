export type { FailedModel, LoadingModel, ModelState, ReadyModel, UseModelOptions } from './model-load.js'
export { retryModel, useModel, useSuspenseModel } from './use-model.js'

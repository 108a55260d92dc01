import { AfieldError } from '@afield/protocol'

const PROBLEM = 'unsayable'

/** An input of a model that a request cannot carry. */
export function unsayable(tensor: string): AfieldError {
  return new AfieldError(
    'remote/invalid',
    `The input holds NaN or an infinity in "${tensor}", which JSON cannot say: only the model itself takes it.`,
    { details: { field: tensor, problem: PROBLEM } },
  )
}

/** The one input is at fault for it, and it says nothing of the server. */
export function isUnsayable({ details }: AfieldError): boolean {
  return details['problem'] === PROBLEM
}

import type { Contract } from '@afield/protocol'
import { audioInput } from './audio.js'
import { imageInput } from './image.js'
import { recordInput } from './record.js'
import { tensorsInput } from './tensors.js'
import { textInput } from './text.js'

/** Where a person gives the model something. */
export interface InputView {
  readonly element: HTMLElement
  /** What to do first, where there is nothing to ask about yet. */
  invitation(): string | undefined
  /** @throws Error in words for what cannot be read at all. */
  read(): unknown
  /** Shows an example, such as a row of the CSV. */
  show(example: unknown): void
  /** What was typed, to be given to the view after a reload. */
  keep(): unknown
  restore(kept: unknown): void
  /** Says what is wrong with a field; `undefined` takes all such words back. */
  complain(problem: { readonly field: string; readonly message: string } | undefined): boolean
}

/** Makes the view that fits the contract. `changed` is called when an answer would be of interest. */
export function inputView({ input }: Contract, changed: () => void): InputView {
  switch (input.kind) {
    case 'record':
      return recordInput(input)
    case 'tensors':
      return tensorsInput(input)
    case 'image':
      return imageInput(input, changed)
    case 'audio':
      return audioInput(input, changed)
    case 'text':
      return textInput(input)
  }
}

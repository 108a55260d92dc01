import type { AudioInput } from '@afield/protocol'
import { h } from '../dom.js'
import type { InputView } from './input-view.js'

/** A recording from a file or the microphone, brought to the model's rate by the browser. */
export function audioInput({ sampleRate, maxSeconds }: AudioInput, changed: () => void): InputView {
  const file = h('input', { type: 'file', accept: 'audio/*', id: 'field-audio' })
  const record = h('button', { type: 'button', class: 'quiet' }, 'Record')
  const said = h(
    'p',
    { class: 'hint', role: 'status' },
    `${sampleRate} samples a second, up to ${maxSeconds} s`,
  )
  const error = h('p', { class: 'error', hidden: true })
  let sound: AudioBuffer | undefined
  let recorder: MediaRecorder | undefined

  const describe = ({ duration, sampleRate }: AudioBuffer): void => {
    said.textContent = `${duration.toFixed(1)} s at ${sampleRate} samples a second`
  }
  const take = async (blob: Blob): Promise<void> => {
    const context = new AudioContext({ sampleRate })
    try {
      sound = await context.decodeAudioData(await blob.arrayBuffer())
    } finally {
      await context.close()
    }
    describe(sound)
    changed()
  }
  const complain = (message: string | undefined): void => {
    error.hidden = message === undefined
    error.textContent = message ?? ''
  }
  const attempt = (work: Promise<void>): void => {
    complain(undefined)
    work.catch((cause: unknown) => complain(cause instanceof Error ? cause.message : String(cause)))
  }
  file.addEventListener('change', () => {
    const chosen = file.files?.[0]
    if (chosen) attempt(take(chosen))
  })
  const listen = async (): Promise<void> => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
    const parts: Blob[] = []
    recorder = new MediaRecorder(stream)
    recorder.addEventListener('dataavailable', ({ data }) => parts.push(data))
    recorder.addEventListener('stop', () => {
      for (const track of stream.getTracks()) track.stop()
      recorder = undefined
      record.textContent = 'Record'
      attempt(take(new Blob(parts)))
    })
    recorder.start()
    record.textContent = 'Stop'
  }
  record.addEventListener('click', () => (recorder ? recorder.stop() : attempt(listen())))
  return {
    element: h(
      'div',
      { class: 'field' },
      h('label', { for: 'field-audio' }, 'Recording'),
      file,
      h('p', { class: 'actions' }, record),
      said,
      error,
    ),
    invitation: () => (sound ? undefined : 'Choose a recording, or make one.'),
    read() {
      if (sound) return sound
      throw new Error('Choose a file, or record something.')
    },
    show: () => undefined,
    keep: () => sound,
    restore(kept) {
      if (!(kept instanceof AudioBuffer)) return
      sound = kept
      describe(sound)
    },
    complain(problem) {
      complain(problem?.message)
      return problem !== undefined
    },
  }
}

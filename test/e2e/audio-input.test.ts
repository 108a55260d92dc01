import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Page } from '../browser/browser.js'
import { audioCases } from '../protocol/support/vectors.js'
import { difference, refusal, startInputsSite, type Encoded, type InputsSite } from './support/inputs.js'

let site: InputsSite
let page: Page

beforeAll(async () => {
  site = await startInputsSite()
  page = site.page
}, 60_000)

afterAll(() => site?.close())

describe('an AudioBuffer', () => {
  const { input, recording, data } = audioCases().find(({ name }) => name === 'all of it') ?? {}

  const encodeBuffer = (contract: typeof input): Promise<Encoded> =>
    page.evaluate(
      async ({ contract, sampleRate, channels }) => {
        if (!contract) throw new Error('There is no such vector.')
        const buffer = new AudioBuffer({
          sampleRate,
          numberOfChannels: channels.length,
          length: channels[0]?.length ?? 0,
        })
        channels.forEach((samples, i) => buffer.copyToChannel(Float32Array.from(samples), i))
        const encoded = await encode('audio', contract, buffer)
        return { ...encoded, kept: buffer.getChannelData(0).length === channels[0]?.length }
      },
      {
        contract,
        sampleRate: recording?.sampleRate ?? 0,
        channels: [recording?.samples ?? []].flat().map((samples) => [...samples]),
      },
    )

  test('becomes the samples that librosa makes of it, and stays the page’s own', async () => {
    const encoded = await encodeBuffer(input)
    expect(encoded).toMatchObject({ dims: [1, 150], kept: true })
    expect(difference(encoded, data ?? [])).toBeLessThanOrEqual(1e-6)
  })

  test('at another rate is refused where the contract says so, with both rates and what to do', async () => {
    const encoded = await encodeBuffer(input && { ...input, resample: 'reject' })
    expect(encoded).toMatchObject(refusal('rate', 'has 44100 samples a second and this model takes 16000'))
    expect(encoded.error?.message).toContain('new AudioContext({ sampleRate: 16000 })')
  })
})

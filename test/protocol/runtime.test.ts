import { ONNXRUNTIME, unrunnable } from '@afield/protocol'
import { expect, test } from 'vitest'
import cli from '../../packages/cli/package.json' with { type: 'json' }
import sdk from '../../packages/sdk/package.json' with { type: 'json' }

const { version, opset } = ONNXRUNTIME

test('it is the onnxruntime-web that is shipped, and the one that publish replays with', () => {
  expect(sdk.devDependencies['onnxruntime-web']).toBe(version)
  expect(cli.dependencies['onnxruntime-web']).toBe(version)
})

test.each([undefined, `>=${version}`, `<=${version}`, '>=1.20.0 <2.0.0', '>1.29.9', '<1.30.1', '<10.0.0'])(
  'a version that asks for onnxruntime-web %s runs here',
  (ort) => {
    expect(unrunnable({ opset, ...(ort === undefined ? {} : { ort }) })).toBeUndefined()
  },
)

test.each([`<${version}`, `>${version}`, '>=2.0.0', '>=1.20.0 <1.30.0', '>=1.31.0 <2.0.0', '<1.4.0'])(
  'one that asks for %s does not, and is told what it needs',
  (ort) => {
    expect(unrunnable({ opset, ort })).toMatchObject({
      code: 'platform/unsupported',
      details: { needs: `onnxruntime-web ${ort}` },
    })
  },
)

test('nor does an opset that is newer than this runtime', () => {
  expect(unrunnable({ opset: opset + 1 })?.message).toMatch(
    new RegExp(
      `^This version needs opset ${opset + 1}; the onnxruntime-web .* reads opsets up to ${opset}\\.`,
    ),
  )
})

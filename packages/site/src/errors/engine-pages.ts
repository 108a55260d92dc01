import type { ErrorCode } from '@afield/protocol'
import type { ErrorPage } from './error-page.js'

/** Pages for what can become of an engine, and of what answers in its place. */
export const ENGINE_PAGES = {
  'engine/crashed': {
    happened: 'The worker that runs the model ended, or has no model any more.',
    why: [
      'The device ran out of memory.',
      'The browser ended the worker.',
      'The worker file could not be loaded.',
    ],
    fix: [
      'Ask again: Afield starts a new engine.',
      'If it comes back, load fewer models at once, or publish a smaller one.',
      'See in the network panel that the worker file is served as JavaScript from the page’s own origin.',
    ],
  },
  'engine/device-lost': {
    happened:
      'The GPU, or the browser’s access to it, went away while a model ran on it, or just before it could.',
    why: ['The driver was reset or updated.', 'Another page or program took too much of the GPU.'],
    fix: [
      'Nothing: what was asked is asked again on WASM, which then goes on serving.',
      'Afield tries the GPU again a day later, or with the next version; `explain()` says when.',
    ],
  },
  'engine/hung': {
    happened: 'A run did not end in the time that the watchdog gives it, so its engine was ended.',
    why: [
      'The graph has a loop that this input keeps in it.',
      'The model is too large for this device, or the device is very busy.',
    ],
    fix: [
      'Ask again: another engine is there, or is being started.',
      'Where runs are long on purpose, give `load()` a larger `hungAfterMs`.',
    ],
  },
  'engine/no-room': {
    happened: 'This device has no room for another engine.',
    why: ['Every engine that may run at once on it does: models, pools and trials share one budget.'],
    fix: [
      'Give back what is not needed: `afield.remove()`, or `workers: 1`.',
      'An update that waits for room is tried at the next visit.',
    ],
  },
  'engine/out-of-memory': {
    happened:
      'A run or a session needed more memory than there is. Its engine was ended, which gave all of it back.',
    why: ['The input is very large.', 'The model is too large for this device.'],
    fix: ['Give smaller inputs or fewer at once.', 'Publish an `int8` or `fp16` variant.'],
  },
  'engine/overloaded': {
    happened: 'More predictions wait for the engine than may.',
    why: ['The app asks faster than this device answers.'],
    fix: [
      'Ask less often, such as once a frame or after typing stops.',
      'Ask for many at once with `predictMany()`, which is not bound by this.',
      'Give `load()` a pool (`workers: "auto"`) or a larger `maxQueue`.',
    ],
  },
  'engine/run-failed': {
    happened: 'The model was asked and gave no usable answer.',
    why: [
      'The graph does not take this input.',
      'An output is not a number where the contract promises one.',
    ],
    fix: [
      'Ask the same with the golden vectors; `afield show` lists the contract.',
      'Correct the contract or the graph and publish a new version.',
    ],
  },
  'engine/runtime-unavailable': {
    happened: 'onnxruntime could not be loaded on this page.',
    why: [
      'Its two files (`.mjs` and `.wasm`) are not where the build put them.',
      'A Content Security Policy lacks `wasm-unsafe-eval`.',
      'The first visit was cut off before they arrived.',
    ],
    fix: [
      'Serve the files of `afield/dist/ort` beside the engine’s worker, `.wasm` as `application/wasm`.',
      "Add `script-src 'self' 'wasm-unsafe-eval'` to the policy.",
    ],
  },
  'engine/session-failed': {
    happened: 'onnxruntime refused to open the model on this device.',
    why: ['It needs more memory than there is.', 'It has an operator that this runtime does not know.'],
    fix: [
      'The version before serves on; `explain()` says so.',
      'Publish a smaller version, or one with other operators.',
    ],
  },
  'engine/timeout': {
    happened: 'No answer came within the `timeoutMs` of the call.',
    why: ['The model is slow on this device.', 'Many predictions were asked before this one.'],
    fix: [
      'Give it more time, or a fallback that answers instead: `load(name, { fallback })`.',
      'Measure with `model.benchmark()`, and publish a smaller variant where it is too slow.',
    ],
  },
  'engine/unavailable': {
    happened:
      'The model failed several times in a row, so it is not asked for a minute; or a file of the app that this call needs could not be loaded.',
    why: [
      'See `error.cause`: the last failure before that, or what the browser says of the file.',
      'A file is missing where there is no network, or where a new deployment of the app took it away.',
    ],
    fix: [
      'Answer without it: give `load()` a `fallback`.',
      'It is tried again by itself; `error.details.retryAfterMs` says when.',
      'A file is asked for again by the next call. Keep the files of the deployment before, or reload the page.',
    ],
  },
  'engine/wrong-answer': {
    happened: 'A model gave wrong numbers on the GPU.',
    why: ['The GPU’s driver, or the runtime’s code for it, computes otherwise than the CPU.'],
    fix: ['Nothing: WASM answers instead, and the GPU is tried again for this version a day later.'],
  },
  'remote/invalid': {
    happened: 'The remote fallback answered something else than the Open Inference Protocol.',
    why: [
      'The URL leads to a web page, such as a login or an error page, or is redirected to one.',
      'It serves another model: outputs are missing, or do not fit the contract.',
      'It refuses what it was asked: `details.status`, such as 400, and `details.said`, what it says of it.',
    ],
    fix: [
      'Check `fallback.remote.url`: `POST <url>/v2/models/<name>/infer` must answer with JSON outputs.',
      'Where the server itself answers: serve the model that the contract is of, and name it in `fallback.remote.model`.',
    ],
  },
  'remote/timeout': {
    happened: 'The remote fallback did not answer in time.',
    why: ['The server hangs, or the network is very slow.'],
    fix: ['Raise `fallback.remote.timeoutMs`, or give a constant that answers after it.'],
  },
  'remote/unauthorised': {
    happened: 'The remote fallback asks for other credentials.',
    why: [
      'The token that `fallback.remote.headers` gives is missing, wrong or too old; it was asked for anew once.',
      '`headers()` itself failed, or returned no object with a text for each name: see `error.cause`.',
    ],
    fix: ['Have `headers()` return a fresh token: it is called for every request.'],
  },
  'remote/unavailable': {
    happened: 'The remote fallback could not be reached, or said that it cannot answer.',
    why: [
      'There is no network.',
      'The server lacks `Access-Control-Allow-Origin` for this page.',
      'The server is overloaded or failed.',
    ],
    fix: [
      'It is tried again after a minute, or when the server said; a constant or function may answer meanwhile.',
      'Allow the page in the server’s CORS headers, `content-type` and those of `headers()` included.',
    ],
  },
} as const satisfies { readonly [Code in ErrorCode]?: ErrorPage }

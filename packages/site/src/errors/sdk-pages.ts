import type { ErrorCode } from '@afield/protocol'
import { DELIVERY_PAGES } from './delivery-pages.js'
import { ENGINE_PAGES } from './engine-pages.js'
import type { ErrorPage } from './error-page.js'

/** A page for every code that an `AfieldError` can have. The compiler misses any that is not here. */
export const SDK_PAGES: Readonly<Record<ErrorCode, ErrorPage>> = {
  ...DELIVERY_PAGES,
  ...ENGINE_PAGES,
  'batch/invalid': {
    happened: 'A telemetry batch does not have the form that the collector takes.',
    why: [
      'The SDK and the collector are of versions that do not fit.',
      'Something other than the SDK sent it.',
    ],
    fix: [
      'Bring the collector up to the version of the SDK, or newer.',
      'Nothing is sent again; predictions go on.',
    ],
  },
  'batch/too-large': {
    happened: 'A telemetry batch has more than the 16 KiB that a collector takes.',
    why: ['The SDK keeps below that by itself, so something else made or changed the batch.'],
    fix: ['Look at what stands between the app and the collector.'],
  },
  'input/invalid': {
    happened:
      'What was given to `predict()`, or to another call, does not fit. Nothing was asked of the model.',
    why: [
      'A field is missing, misspelt, of another type or outside its range.',
      '`error.details.field` names the field, `error.details.problem` what is wrong with it.',
    ],
    fix: [
      'Show the message at the form field that `details.field` names.',
      'Run `afield types`: TypeScript then refuses most of these before the app runs.',
      '`afield docs NAME` lists the fields and their ranges.',
    ],
  },
  'internal/unexpected': {
    happened: 'Something went wrong that Afield has no name for.',
    why: ['A fault in Afield, in the browser, or in code that the app handed over, such as `onDownload`.'],
    fix: [
      'Look at `error.cause` and the console.',
      'Reload the page.',
      'Tell the maintainers, with the message and the cause.',
    ],
  },
  'model/killed': {
    happened: 'The team switched this model, or the version that was asked for, off.',
    why: ['Somebody ran `afield rollout kill`; `afield log NAME` says who and why.'],
    fix: [
      'Answer without it, as the launch checklist of the model says.',
      'The team brings it back with `afield rollout revive`.',
    ],
  },
  'model/not-found': {
    happened: 'The repository has no such model, version or alias, or it was never loaded here.',
    why: [
      'The name is misspelt.',
      'The version was never published.',
      'The model was removed from this device.',
    ],
    fix: [
      'Run `afield list` and `afield show NAME`.',
      'Run `afield types`: TypeScript then knows the names.',
      'Call `load()` again after `remove()`.',
    ],
  },
  'model/revoked': {
    happened: 'This version was revoked and never runs again, cached or not.',
    why: ['Somebody ran `afield revoke` or `afield min-version`; `afield log NAME` says who and why.'],
    fix: ['Load the model without a version.', 'Publish a corrected version.'],
  },
  'model/self-test-failed': {
    happened:
      'The model answers its golden vectors otherwise than training did, so it does not serve, or does not publish.',
    why: [
      'The export changed the model: a column swapped, a step of the preparation left out.',
      'The version was published with `--skip-replay`.',
      'The tolerance is tighter than the arithmetic of this device.',
    ],
    fix: [
      'In an app: nothing. The version before serves on.',
      'In `afield publish`: compare the export with the training for the vector that the message shows.',
      '`afield show NAME@VERSION` says whether its replay was skipped. Publish a corrected version.',
    ],
  },
  'platform/unsupported': {
    happened: 'This browser, or this version of Afield, lacks something that is needed.',
    why: [
      'The browser verifies none of the signatures.',
      'A page without `https` has no cryptography.',
      'The contract has a kind that this SDK does not know.',
      'Every file of the version asks for more memory, or for another GPU, than this device has.',
      'The app was deployed without the files for GPUs: nothing is wrong then, its models stay on WASM.',
    ],
    fix: [
      'Make keys for older browsers with `afield init --ecdsa`.',
      'Serve the page over `https`, or from localhost.',
      'Bring the SDK up to date.',
      'Publish a variant for `wasm` that asks for less; `afield show` lists what each file asks for.',
      'Deploy all of Afield’s files where models are to use a GPU.',
    ],
  },
  'storage/quota': {
    happened: 'The device has no room for the model.',
    why: ['The disk is full, or the browser gives this site too little.'],
    fix: [
      'Call `storage()` to show what is kept, and `remove()` what is not needed.',
      'Publish a smaller version.',
    ],
  },
  'storage/unavailable': {
    happened: 'The browser did not read or write its storage.',
    why: [
      'A private window, or a setting that blocks site data.',
      'The disk failed.',
      'Where a collector says it: its database is not installed or did not open.',
    ],
    fix: [
      'Afield goes on in memory; nothing outlives the page then.',
      'For a collector: `npm install chdb`.',
    ],
  },
  'telemetry/unavailable': {
    happened: 'Telemetry is on, and its code could not be loaded; the model serves all the same.',
    why: [
      'The page is offline, and `telemetry.js` was not cached with the rest of the app.',
      'A blocker, or a Content-Security-Policy, keeps it from being loaded.',
    ],
    fix: [
      'Nothing: counts stay with the page and are told once it loads. `telemetry()` and `flush()` work again then.',
      'Serve and cache `telemetry.js` of the package as the workers beside it.',
    ],
  },
  aborted: {
    happened: 'The call was given up, as the app asked.',
    why: ['The `AbortSignal` of the call fired, a timeout for instance.', 'Ctrl-C on the command line.'],
    fix: ['Nothing; call again when the answer is wanted.'],
  },
  closed: {
    happened: 'Afield, or what the call needed, was closed before it was done.',
    why: ['`close()` was called.', 'Another tab removed the model.'],
    fix: ['Make a new one with `createAfield()`.', 'Call `load()` again.'],
  },
}

import type { ErrorCode } from '@afield/protocol'
import type { ErrorPage } from './error-page.js'

type DeliveryCode = Extract<
  ErrorCode,
  `${'chunk' | 'descriptor' | 'download' | 'manifest' | 'rollout'}/${string}`
>

/** What can go wrong between a repository and a device. */
export const DELIVERY_PAGES: Readonly<Record<DeliveryCode, ErrorPage>> = {
  'chunk/hash-mismatch': {
    happened: 'A piece of a model has other bytes than the signed manifest says. They were thrown away.',
    why: [
      'A proxy, a CDN or an antivirus program changed the file on its way.',
      'The upload of the repository was cut off, or an older file was left in its place.',
      'The storage of the device is damaged; a new copy is fetched then.',
    ],
    fix: [
      'Run `afield verify` on the repository, then `afield deploy` again.',
      'See that the host sends the files as they are, without transforming them.',
      'What served before still serves; the next check tries again.',
    ],
  },
  'chunk/size-mismatch': {
    happened: 'A piece of a model is longer or shorter than the signed manifest says.',
    why: [
      'The file was cut off, or replaced by an error page.',
      'Compressed data unpacks to more than it may.',
    ],
    fix: [
      'Run `afield verify` on the repository, then `afield deploy` again.',
      'Empty the cache of the CDN for `chunks/`.',
    ],
  },
  'chunk/unavailable': {
    happened: 'A piece of a model could not be fetched.',
    why: [
      'The device is offline, or the host does not answer.',
      'The app runs with `policy: "offline"` and the model was never downloaded.',
      'The last deploy did not finish, so the manifest names files that are not there.',
    ],
    fix: [
      'Try again with a connection; a download goes on where it stopped.',
      'Ship a seed with the app (`afield bundle`) so that a first visit needs no network.',
      'Run `afield deploy` again: chunks go first, so what it names is there.',
    ],
  },
  'descriptor/invalid': {
    happened: 'What was published of a version cannot be read by this SDK.',
    why: [
      'It was published by a newer CLI and says what this SDK does not know.',
      'It describes another version or model.',
    ],
    fix: ['Bring the SDK of the app up to date.', 'Publish the version again with a CLI that fits.'],
  },
  'download/declined': {
    happened: 'The app did not agree to a download, and there is nothing else to answer with.',
    why: [
      '`downloads: "ask"` is set and `onDownload` said no.',
      '`downloads: "ask"` is set and there is no `onDownload`.',
    ],
    fix: ['Ask the user again, then call `load()` again.', 'Give `onDownload`, or use `downloads: "auto"`.'],
  },
  'download/too-large': {
    happened: 'The version has more bytes than the app allows.',
    why: ['`maxDownloadBytes` is smaller than the download; `error.details` has both figures.'],
    fix: ['Raise `maxDownloadBytes`.', 'Publish a smaller version. What served before still does.'],
  },
  'manifest/expired': {
    happened: 'The signed manifest is older than it may be, so nothing new is believed.',
    why: [
      'Nobody ran `afield refresh` in time (every 30 days at least).',
      'The clock of the device is wrong.',
    ],
    fix: [
      'Run `afield refresh`, then `afield deploy`; a cron line is in the README.',
      'What serves goes on serving; `explain()` says that it is stale.',
    ],
  },
  'manifest/hash-mismatch': {
    happened: 'A metadata file has other bytes than the signed metadata above it says.',
    why: ['A deploy was caught halfway by a cache.', 'The file was changed on its way or on the host.'],
    fix: ['Wait for the cache to expire and check again.', 'Run `afield verify`, then `afield deploy`.'],
  },
  'manifest/invalid': {
    happened: 'A metadata file is not what it should be: not JSON, or of another form.',
    why: [
      'A host of single-page apps answers with its start page for what is not there.',
      'The file was cut off or changed.',
      'The address is not that of a repository.',
    ],
    fix: [
      'Open `metadata/timestamp.json` below the address: it must be JSON.',
      'Deploy the repository again.',
    ],
  },
  'manifest/rollback': {
    happened: 'A metadata file is older than one that this device has seen. It was refused.',
    why: [
      'An old copy of the repository was deployed.',
      'A cache serves an old file.',
      'Somebody tries to bring old metadata back.',
    ],
    fix: [
      'Deploy from the newest copy of the repository.',
      'To go back to an older model, use `afield rollout`: that is a newer manifest that names an older version.',
    ],
  },
  'manifest/signature': {
    happened: 'Metadata is not signed by enough of the keys that the app trusts.',
    why: [
      'The app ships the root of another repository.',
      'The repository was made anew with other keys.',
      'Somebody changed it.',
    ],
    fix: [
      'Ship the `1.root.json` of this very repository.',
      'Replace keys with `afield rotate`, never with a new repository.',
    ],
  },
  'manifest/too-large': {
    happened: 'A metadata file has more bytes than a device reads.',
    why: ['The catalogue is large and not divided.', 'The address is not that of a repository.'],
    fix: ['Make the repository with `afield init --bins N`.', 'Check the address.'],
  },
  'manifest/unavailable': {
    happened: 'The repository could not be reached, or lacks a file.',
    why: [
      'The device is offline.',
      'The host does not send `Access-Control-Allow-Origin`.',
      'The address is wrong.',
    ],
    fix: [
      'Open `metadata/timestamp.json` below the address in a browser.',
      'Send `Access-Control-Allow-Origin: *` for the repository; `afield deploy --cors` sets it on S3.',
      'What is on the device serves on, and a seed answers a first visit.',
    ],
  },
  'rollout/invalid': {
    happened:
      'The signed rollout of a model was refused: it says what a rollout may not say, or changed as it may not.',
    why: [
      'It names another model, or versions that were not published.',
      'Coverage went down without an abort.',
    ],
    fix: ['Change rollouts with `afield rollout` only.', 'The last accepted rollout holds until then.'],
  },
}

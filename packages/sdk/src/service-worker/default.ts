import { serveOffline, type OfflineOptions } from './offline.js'

/** Put in place by the build: every file of the app, and a version that changes with any of them. */
declare const __OFFLINE__: OfflineOptions

serveOffline(__OFFLINE__)

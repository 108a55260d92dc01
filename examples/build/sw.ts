import { serveOffline, type OfflineOptions } from 'afield/service-worker'

/** Put in place by `offline-plugin.ts`: every file of the page, and a version that changes with any of them. */
declare const __OFFLINE__: OfflineOptions

serveOffline(__OFFLINE__)

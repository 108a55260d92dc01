import { serveOffline, type OfflineOptions } from 'afield/service-worker'

declare const __OFFLINE__: OfflineOptions

serveOffline(__OFFLINE__)

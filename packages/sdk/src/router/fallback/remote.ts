import type { OpenPage } from '../open-page.js'
import type { Route } from '../route.js'
import type { RemoteAnswers } from './chain.js'
import type { RemoteOptions } from './options.js'

export function openRemote(_options: RemoteOptions, _page: OpenPage, _route: Route): RemoteAnswers {
  return { ask: () => Promise.reject(new Error('remote')) }
}

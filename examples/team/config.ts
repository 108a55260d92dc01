import type { TourConfig } from './api.js'

/** Put in place by the build, so that a page starts without asking anybody. */
declare const __TOUR_CONFIG__: TourConfig

/** Where a page finds the repository and the collector. In pages only. */
export const config: TourConfig = __TOUR_CONFIG__

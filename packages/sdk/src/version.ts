import type { Version } from '@afield/protocol'

/** This package's version, sent with telemetry. */
export const SDK_VERSION = '0.1.0' as Version

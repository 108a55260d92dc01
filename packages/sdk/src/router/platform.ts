export type DeviceClass = 'desktop' | 'mobile' | 'other'

/** As much as may be known about a device: its class. */
export function deviceClass(): DeviceClass {
  const hints = (navigator as { userAgentData?: { mobile?: boolean } }).userAgentData
  if (hints?.mobile !== undefined) return hints.mobile ? 'mobile' : 'desktop'
  return /Mobi|Android/i.test(navigator.userAgent) ? 'mobile' : 'desktop'
}

/** True where the user told the browser to tell sites not to share data (https://www.w3.org/TR/gpc/). */
export function privacyControl(): boolean {
  return (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true
}

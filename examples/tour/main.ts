import { AfieldError } from 'afield'
import { startDevice } from './device.js'
import { watchDevice } from './device-watch.js'
import { find } from './element.js'
import { openNetworkSwitch } from './network-switch.js'
import { mountCode } from './panes/code.js'
import { mountPhone } from './panes/phone.js'
import { mountTeam } from './panes/team.js'
import { connectTeam } from './team-client.js'

const afield = startDevice()
const network = openNetworkSwitch('./sw.js')

const code = mountCode(find(document, '#code', HTMLElement), afield)
const phone = mountPhone(find(document, '#phone', HTMLElement), afield, network)
const team = mountTeam(find(document, '#team', HTMLElement), connectTeam(), () => void follow())

const look = watchDevice(afield, (snapshot) => {
  const { version, bucket, failures = [] } = snapshot.explanation ?? {}
  code.follow(version)
  phone.show(snapshot)
  team.place({ version, bucket, failed: failures.map((failure) => failure.version) })
})

let networkOn = true
network.then(
  (gate) => {
    networkOn = gate.on
    gate.subscribe((on) => {
      networkOn = on
      void follow()
    })
  },
  (error: unknown) => console.info('There is no network switch.', error),
)

/** Looks for what the team did, and sends what waited, now rather than in a few seconds. */
async function follow(): Promise<void> {
  try {
    if (networkOn) await Promise.all([afield.check(), afield.flush()])
  } catch (error) {
    console.info('The device could not look for news.', error instanceof AfieldError ? error.code : error)
  }
  look()
}

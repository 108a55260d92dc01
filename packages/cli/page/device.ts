import { createAfield, type Afield, type Model, type Prediction } from 'afield'

type ModelInput = Parameters<Model['predict']>[0]

/** Databases of earlier runs, whose repositories are gone. */
const NAMESPACE = 'dev-'

/** The model as any app would run it: downloaded, verified, self-tested, in a worker. */
export class Device {
  readonly #afield: Afield
  #model: Model | undefined
  #lastState: Prediction['state']
  #rejected: string | undefined

  private constructor(afield: Afield) {
    this.#afield = afield
    afield.on('rejected', ({ version, message }) => {
      this.#rejected = `${version} does not work in this browser: ${message}`
    })
  }

  static async start(run: string): Promise<Device> {
    const root = (await (await fetch('/root.json')).json()) as object
    void forgetOthers(NAMESPACE + run)
    return new Device(createAfield({ repository: '/repository/', root, namespace: NAMESPACE + run }))
  }

  /**
   * Brings the newest version up; the one before it answers meanwhile.
   *
   * @throws Error in words when the version does not work here.
   */
  async follow(name: string, version: string): Promise<void> {
    this.#rejected = undefined
    if (this.#model?.name === name) await this.#afield.check()
    else this.#model = await this.#afield.load(name)
    if (this.#model.version !== version) await this.#afield.check()
    this.#lastState = undefined
    if (this.#model.version !== version) throw new Error(this.#rejected ?? `${version} is not served here.`)
  }

  get ready(): boolean {
    return this.#model !== undefined
  }

  /** Asks the model; one that carries a state goes on where it was. */
  async ask(input: unknown, carry = false): Promise<Prediction> {
    if (!this.#model) throw new Error('The model is not loaded yet.')
    const options = carry && this.#lastState !== undefined ? { state: this.#lastState } : {}
    // What the model takes is the contract's to say, not the compiler's.
    const prediction = await this.#model.predict(input as ModelInput, options)
    if (carry) this.#lastState = prediction.state
    return prediction
  }

  async explain(): Promise<string> {
    return (await this.#model?.explain())?.sentence ?? ''
  }
}

async function forgetOthers(namespace: string): Promise<void> {
  const databases = (await indexedDB.databases?.()) ?? []
  for (const { name } of databases) {
    const isOther = name?.startsWith(`afield-1-${NAMESPACE}`) && !name.startsWith(`afield-1-${namespace}-`)
    if (name && isOther) indexedDB.deleteDatabase(name)
  }
}

/**
 * What tests need of a browser, small enough that an adapter fits over Playwright, WebDriver BiDi or plain
 * WebDriver. Whatever a page can do for itself goes through {@link Page.evaluate}.
 */

export interface LaunchOptions {
  /**
   * Folder that keeps the profile, and with it all storage, beyond the browser's life. The caller removes it.
   * Without it the profile is temporary and goes with the browser, however that ends.
   */
  readonly profileDir?: string
  /** Offers a WebGPU adapter that runs on the CPU: right, and never fast. */
  readonly softwareGpu?: boolean
}

export type Launch = (options?: LaunchOptions) => Promise<Browser>

/** A running browser with one profile. */
export interface Browser {
  readonly engine: 'chromium' | 'firefox' | 'webkit'
  /** Opens a new tab; without `url` an empty one, to subscribe to before it goes anywhere. */
  open(url?: string): Promise<Page>
  /** Cuts the network of every page and worker, or gives it back. */
  setOffline(offline: boolean): Promise<void>
  /** Crashes the process that works with the GPU: every WebGPU device is lost, and the browser starts another. */
  crashGpu(): Promise<void>
  /** Ends the whole browser at once, as a crash or a power cut would: no page sees `pagehide`. */
  kill(): Promise<void>
  /** Ends the browser in order. */
  close(): Promise<void>
}

/** A tab. */
export interface Page {
  /** Resolves at the `load` event. */
  goto(url: string): Promise<void>
  reload(): Promise<void>
  /**
   * Runs a function in the page, or an expression given as a string, and awaits what it returns. The function
   * is sent as text: it sees the page's globals and `argument`, nothing around it. `argument` and result
   * travel as JSON.
   *
   * @throws {Error} that carries the message of what the page threw
   * @example
   * const title = await page.evaluate(() => document.title)
   * await page.evaluate((key) => localStorage.removeItem(key), 'mark')
   */
  evaluate<Result>(work: string | (() => Result | Promise<Result>)): Promise<Result>
  evaluate<Result, Argument>(
    work: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>
  /** Console output and uncaught errors of the page and its dedicated workers. */
  onConsole(listener: (line: ConsoleLine) => void): void
  /** Requests of the page and of its workers, the service worker's among them; also those that fail. */
  onRequest(listener: (request: PageRequest) => void): void
  /** Presses the mouse at the first point, moves it through the others and lets go; CSS pixels of the viewport. */
  drag(points: readonly { readonly x: number; readonly y: number }[]): Promise<void>
  /** Presses a key by its name, such as `ArrowLeft`. */
  press(key: string): Promise<void>
  /** Size of the viewport in CSS pixels. */
  resize(width: number, height: number): Promise<void>
  colourScheme(scheme: 'light' | 'dark'): Promise<void>
  /** What it takes, once garbage was collected. */
  usage(): Promise<Usage>
  /** Writes a PNG of the viewport. */
  screenshot(path: string): Promise<void>
  /** Ends the tab as its user would: the page sees `pagehide`. */
  close(): Promise<void>
  /** Crashes the tab's renderer, and with it other tabs only where the engine lets them share one. */
  kill(): Promise<void>
}

export interface Usage {
  /** Dedicated workers that are alive. */
  readonly workers: number
  /** JavaScript objects of the page itself. */
  readonly heapBytes: number
  /** Resident memory of the processes that show this browser's pages, workers and WebAssembly included. */
  readonly processBytes: number
}

export interface ConsoleLine {
  /** The console method, such as `log` or `error`; `uncaught` for an error or rejection nobody handled. */
  readonly level: string
  readonly text: string
}

export interface PageRequest {
  readonly url: string
  readonly method: string
}

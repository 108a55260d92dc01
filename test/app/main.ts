import { AfieldError, createAfield } from 'afield'

/** What tests call from outside through `page.evaluate`. */
const api = { createAfield, AfieldError }
export type TestApp = typeof api

declare global {
  // eslint-disable-next-line no-var
  var app: TestApp
}

globalThis.app = api

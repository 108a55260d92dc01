import { AfieldError, createAfield, type Afield, type Model } from 'afield'

/** What tests reach from outside through `page.evaluate`. */
declare global {
  var createAfield: typeof import('afield').createAfield
  var AfieldError: typeof import('afield').AfieldError
  /** The page's device and its model, put here by a test's first call and used by its later ones. */
  var afield: Afield
  var model: Model
}

Object.assign(globalThis, { createAfield, AfieldError })

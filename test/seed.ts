import { configureGlobal, readConfigureGlobal } from 'fast-check'

/**
 * The seed of this run: the environment's `SEED`, which `test/run.ts` sets and prints. Property tests use it
 * through fast-check's global configuration, since this file is a setup file of every suite.
 */
const seed = process.env['SEED']

if (seed !== undefined) configureGlobal({ ...readConfigureGlobal(), seed: Number(seed) })

/** Runs before each test file of every suite. */
import { configureGlobal, readConfigureGlobal } from 'fast-check'
import { cleanUpAfterEach } from './clean-up.js'

/** The seed of this run: the environment's `SEED`, which `test/run.ts` sets and prints. Property tests use it. */
const seed = process.env['SEED']

if (seed !== undefined) configureGlobal({ ...readConfigureGlobal(), seed: Number(seed) })

cleanUpAfterEach()

import * as v from 'valibot'

/** 0, 1, 2 … */
export const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** 1, 2, 3 … */
export const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

export const finite = v.pipe(v.number(), v.finite())

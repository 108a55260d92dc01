/** Recordings. Nothing is left to decode here: a worker cannot, and the page sends samples. */
export { audioKind as default } from '@afield/protocol'

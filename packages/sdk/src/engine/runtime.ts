import { ONNXRUNTIME } from '@afield/protocol'

/** The pinned runtime, part of what a self-test is remembered for: another one must prove a model anew. */
export const RUNTIME = `onnxruntime-web ${ONNXRUNTIME.version}`

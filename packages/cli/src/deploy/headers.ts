export { headersFor, type FileHeaders } from '@afield/protocol'

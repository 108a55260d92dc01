export { headersFor } from '@afield/protocol'

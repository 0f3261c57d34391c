export { PageServer } from './server.ts'

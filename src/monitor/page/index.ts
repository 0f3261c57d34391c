export { GatewayNames } from './names.ts'
export { PeoplePages } from './people.ts'
export { PageServer } from './server.ts'

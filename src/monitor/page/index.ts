export { GatewayNames } from './names.ts'
export { PeoplePages } from './people.ts'
export { operatorsPage, PageServer } from './server.ts'

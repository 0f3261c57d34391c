export { apprise, ntfy, ping, pingLog, webhook } from './http.ts'
export { type MailOptions, mail } from './mail.ts'
export type { PostOptions } from './post.ts'
export { type Sender, SendFault } from './types.ts'

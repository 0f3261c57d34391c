import { createHash } from 'node:crypto'
import MailComposer from 'nodemailer/lib/mail-composer'
import { printable } from '../../ui/printable.ts'
import { type Notification, textOf } from '../alerts/index.ts'

/** Where a mail comes from and goes to, as tmgen.yaml has it: ASCII, and checked there. */
export interface MailAddresses {
  from: string
  to: string
}

/**
 * The mail as it goes over the wire. Names in it may be what a Mac wrote: each line is made printable first, and headers
 * are words of this program, addresses out of tmgen.yaml, and one subject.
 */
export async function mailOf(
  notification: Notification,
  workspace: string,
  { from, to }: MailAddresses,
): Promise<Buffer> {
  const { title, body } = textOf(notification, workspace)
  const mail = new MailComposer({
    from: { name: 'tmgen', address: from },
    to: { name: '', address: to },
    subject: printable(title),
    text: `${body.split('\n').map(printable).join('\r\n')}\r\n`,
    // Neither a bare line break nor a line that is too long can be in it then.
    encoding: 'quoted-printable',
    date: new Date(notification.at),
    messageId: `<${idOf(notification, workspace, to)}@${from.split('@')[1]}>`,
    headers: { 'auto-submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return mail.compile().build()
}

/** The same at each try: whoever got it twice, for a connection that broke too late, need not see it twice. */
function idOf(notification: Notification, workspace: string, to: string): string {
  return createHash('sha256')
    .update(JSON.stringify([workspace, to, notification]))
    .digest('hex')
    .slice(0, 32)
}

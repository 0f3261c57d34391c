// Prints smb.conf for alice's two Macs. Usage: node render-conf.mjs GATEWAY_IP
import { readFileSync } from 'node:fs'
import Handlebars from 'handlebars'

const template = readFileSync(new URL('../../../templates/smb.conf.hbs', import.meta.url), 'utf8')
const render = Handlebars.compile(template, { noEscape: true, strict: true })
process.stdout.write(
  render({
    workspaceName: 'test',
    userName: 'alice',
    hostname: 'tm-alice',
    gatewayIp: process.argv[2],
    shares: [
      { name: 'macbook', path: '/srv/tmgen/macbook', quota: '1T' },
      { name: 'imac', path: '/srv/tmgen/imac', quota: '500G' },
    ],
  }),
)

import type { Report } from './check.ts'
import type { Config } from './schema.ts'

/** What an embedded Headscale needs beside a well-formed URL. */
export function checkControl(control: Config['control'], report: Report): void {
  if (control.provider !== 'embedded') return
  const url = new URL(control.url)
  if (url.pathname !== '/')
    report(['control', 'url'], 'must not have a path', 'Headscale serves at the root of its host')
  if (url.protocol === 'https:' && !control.tls) {
    report(
      ['control'],
      'has an https URL and no certificate',
      'add tls: {mode: acme, email: …} or tls: {mode: own, cert: …, key: …}',
    )
  }
  if (url.protocol === 'http:' && control.tls) {
    report(['control', 'tls'], 'is for an https URL', 'write https:// in control.url, or leave tls out')
  }
  if (control.tls?.mode === 'acme' && (/^[\d.]+$|^\[/.test(url.hostname) || !url.hostname.includes('.'))) {
    report(
      ['control', 'url'],
      'must be a public host name for ACME',
      'use a name that resolves on the internet, or tls.mode: own',
    )
  }
  if (control.oidc && url.protocol === 'http:')
    report(['control', 'oidc'], 'needs an https URL', 'write https:// in control.url, and tls for its certificate')
  if (control.oidc && !control.oidc.scopes.includes('openid'))
    report(['control', 'oidc', 'scopes'], 'must hold openid', 'for example [openid, profile, email]')
  // Headscale refuses to start: a node could otherwise take the server's own name.
  if (url.hostname === control.baseDomain || url.hostname.endsWith(`.${control.baseDomain}`)) {
    report(
      ['control', 'baseDomain'],
      `must not hold the server's own name ${url.hostname}`,
      'use a domain of its own, for example tailnet.internal',
    )
  }
}

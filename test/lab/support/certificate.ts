import { isIP } from 'node:net'
import { docker } from './docker.ts'

/**
 * Writes cert.pem and key.pem of a private CA into a folder, for DNS names and addresses; valid for a week. The CA
 * (ca.pem, ca.key) is made with the first: where it lies there, they are renewed, as new files in place of the old ones.
 * openssl runs in the client image.
 */
export async function makeCertificate(dir: string, ...names: string[]): Promise<void> {
  const alternatives = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join(',')
  const script = `cd /out
[ -e ca.key ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 -subj '/CN=tmgen lab' -keyout ca.key -out ca.pem 2>/dev/null
rm -f cert.pem key.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=${names[0]}' -keyout key.pem -out cert.csr 2>/dev/null
printf 'subjectAltName=${alternatives}\\n' > ext
openssl x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -days 7 -extfile ext -out cert.pem 2>/dev/null
rm cert.csr ext
chown "$(stat -c %u:%g .)" ca.pem cert.pem key.pem
`
  const flags = ['--rm', '-i', '--network', 'none', '-v', `${dir}:/out`, '--entrypoint', 'sh']
  await docker(['run', ...flags, 'tmgen-lab/client', '-eu'], { input: script })
}

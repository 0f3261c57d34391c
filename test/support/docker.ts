/** The few docker commands that lifecycle verbs use, over containers in memory. */
export class TinyDocker {
  containers: { id: string; service: string; env?: string[]; mounts?: string[] }[] = []
  /** Commands that change something. */
  readonly calls: string[] = []
  isUp = true

  clone(): TinyDocker {
    const copy = new TinyDocker()
    copy.containers = this.containers.map((one) => ({ ...one }))
    return copy
  }

  readonly answer = (args: string[]) => {
    if (!this.isUp) return { exitCode: 1, stdout: '', stderr: 'Cannot connect to the Docker daemon' }
    const [verb = ''] = args
    const last = args.at(-1) ?? ''
    const found = this.containers.find((one) => one.id === last)
    if (verb === 'ps' && args.includes('-a'))
      return ok(this.containers.map((one) => `${one.id} ${one.service}`).join('\n'))
    if (verb === 'ps') return ok(this.containers.map((one) => one.id).join('\n'))
    if (verb === 'inspect' && args.includes('{{json .Config.Env}}')) return ok(JSON.stringify(found?.env ?? []))
    if (verb === 'inspect')
      return ok(
        JSON.stringify(
          this.containers
            .filter((one) => args.includes(one.id))
            .map((one) => ({
              Id: one.id,
              Name: `/${one.service}`,
              Mounts: (one.mounts ?? []).map((Source) => ({ Source, RW: true })),
            })),
        ),
      )
    if (verb === 'stop' || verb === 'rm') {
      this.calls.push(`${verb} ${found?.service ?? last}`)
      if (verb === 'rm') this.containers = this.containers.filter((one) => one !== found)
      return ok('')
    }
    return { exitCode: 1, stdout: '', stderr: 'no such command here' }
  }
}

const ok = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' })

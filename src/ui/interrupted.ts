/** The person pressed Ctrl-C at a question: exit 130, as a shell does for SIGINT. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted')
    this.name = 'Interrupted'
  }
}

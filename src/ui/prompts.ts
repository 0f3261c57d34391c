import { TmgenError } from '../errors.ts'
import { Interrupted } from './interrupted.ts'

/** Questions on a terminal. */
export interface Prompts {
  /** A line of text; `fault` says what is wrong with an answer. */
  text(
    question: string,
    options?: { initial?: string; fault?: (answer: string) => string | undefined },
  ): Promise<string>
  select(question: string, choices: { value: string; label: string }[]): Promise<string>
  /** A line that is not shown. */
  secret(question: string): Promise<string>
}

/** Questions by @clack/prompts on stderr, so that stdout holds data only. Ctrl-C throws `Interrupted`. */
export async function terminalPrompts(): Promise<Prompts> {
  const clack = await import('@clack/prompts')
  const output = process.stderr
  const answered = (answer: unknown): string => {
    if (clack.isCancel(answer)) throw new Interrupted()
    return String(answer)
  }
  return {
    text: async (message, options = {}) =>
      answered(
        await clack.text({
          message,
          output,
          ...(options.initial === undefined ? {} : { initialValue: options.initial }),
          validate: (answer) => options.fault?.(answer ?? '') ?? undefined,
        }),
      ),
    select: async (message, choices) => answered(await clack.select({ message, output, options: choices })),
    secret: async (message) => answered(await clack.password({ message, output })),
  }
}

/** Asks until the answer is this word, to the letter: what comes after it is not to be hit by Enter. */
export async function typeWord(prompts: Prompts, question: string, word: string): Promise<void> {
  await prompts.text(question, { fault: (answer) => (answer === word ? undefined : `type ${word}, or press Ctrl-C`) })
}

/** A question of yes or no, where Enter is no. */
export async function saysYes(prompts: Prompts, question: string): Promise<boolean> {
  const choices = ['no', 'yes'].map((value) => ({ value, label: value }))
  return (await prompts.select(question, choices)) === 'yes'
}

/** The same for what does not go on without it. Throws `Interrupted` after a no. */
export async function agree(prompts: Prompts, question: string): Promise<void> {
  if (!(await saysYes(prompts, question))) throw new Interrupted()
}

/** The usage error for a value that is asked for on a terminal and missing elsewhere. */
export function missingFlag(flag: string, what: string): TmgenError {
  return new TmgenError('usage', `${flag} is missing: ${what}`, {
    hint: `give ${flag}, or run tmgen on a terminal to be asked`,
  })
}

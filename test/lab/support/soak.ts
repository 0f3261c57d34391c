/** Whether long tests run for their whole time: `npm run soak` sets TMGEN_SOAK. */
const soaking = process.env.TMGEN_SOAK === '1'

/** How long a test that gains by time goes on, in milliseconds: of the two numbers of seconds, the one that this run is for. */
export function seconds(times: { ci: number; soak: number }): number {
  return (soaking ? times.soak : times.ci) * 1000
}

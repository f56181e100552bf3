const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * How long to wait before the next attempt: doubling from half a second to thirty, of which at least half and at
 * most all is waited, so that a hundred thousand readers do not come back in the same instant.
 */
export function backoff(failures: number, random: () => number): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return whole / 2 + (whole / 2) * random();
}

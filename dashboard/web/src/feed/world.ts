import { openEvents, openSocket } from './stream';
import type { FeedWorld } from './client';

const TIMEOUT_MS = 20_000;

/** An answer that is no success; `status` is 0 when there was none. */
export class FetchError extends Error {
  constructor(
    readonly url: string,
    readonly status: number,
  ) {
    super(`no answer from ${url} (status ${status})`);
  }
}

/** Reads JSON from the page's own origin. */
export async function fetchJson(url: string): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new FetchError(url, 0);
  }
  if (!response.ok) throw new FetchError(url, response.status);
  return response.json();
}

/** The browser. */
export const browser: FeedWorld = {
  fetchJson,
  openSocket,
  openEvents,
  now: () => Date.now(),
  random: Math.random,
  setTimer: (run, ms) => window.setTimeout(run, ms),
  clearTimer: (timer) => window.clearTimeout(timer),
};

import { backoff } from '../feed/backoff';

/** What became of the last attempts to read an address. */
export interface Answer<T> {
  value: T | null;
  /** When the last good answer came, in ms of this device's clock; null before any. */
  at: number | null;
  /** The status of the last failure; 0 where no answer came; null while all is well. */
  failed: number | null;
}
type Listener<T> = (answer: Answer<T>) => void;

const TIMEOUT_MS = 15_000;
const POLITE = { credentials: 'omit', referrerPolicy: 'no-referrer' } as const;

/** What an address answers, or the status of its failure; 0 where no answer came. */
export async function ask<T>(url: string): Promise<T | number> {
  try {
    const response = await fetch(url, { ...POLITE, signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? ((await response.json()) as T) : response.status;
  } catch {
    return 0;
  }
}

/** One address read again and again, for all elements of a page that show it. */
class Poll {
  readonly #listeners = new Map<Listener<unknown>, number>();
  #answer: Answer<unknown> = { value: null, at: null, failed: null };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #failures = 0;

  constructor(private readonly url: string) {}

  add(listener: Listener<unknown>, everyMs: number): void {
    this.#listeners.set(listener, everyMs);
    if (this.#answer.at !== null || this.#answer.failed !== null) listener(this.#answer);
    if (!this.#asking) void this.#ask();
  }

  remove(listener: Listener<unknown>): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    this.#asking = true;
    const got = await ask<object>(this.url);
    this.#answer = typeof got === 'number' ? { ...this.#answer, failed: got } : { value: got, at: Date.now(), failed: null };
    this.#asking = false;
    this.#failures = this.#answer.failed === null ? 0 : this.#failures + 1;
    for (const listener of this.#listeners.keys()) listener(this.#answer);
    if (this.#listeners.size === 0) return;
    const every = Math.min(...this.#listeners.values());
    // Not all pages of the country in one moment.
    const wait = every * (0.9 + 0.2 * Math.random()) + (this.#failures > 0 ? backoff(this.#failures, Math.random) : 0);
    this.#timer = setTimeout(() => void this.#ask(), wait);
  }
}

const polls = new Map<string, Poll>();

/** Reads an address every so often until the function that is returned is called. */
export function follow<T>(url: string, everyMs: number, listener: Listener<T>): () => void {
  const poll = polls.get(url) ?? new Poll(url);
  polls.set(url, poll);
  const own = listener as Listener<unknown>;
  poll.add(own, everyMs);
  return () => poll.remove(own);
}

const kept = new Map<string, Promise<unknown>>();

/** Reads once what does not change during an election; a failure is not kept. */
export function once<T>(url: string): Promise<T> {
  const known = kept.get(url);
  if (known) return known as Promise<T>;
  const asked = ask<object>(url).then((got) => {
    if (typeof got === 'number') throw new Error(`${url} answered ${got}`);
    return got;
  });
  kept.set(url, asked);
  asked.catch(() => kept.delete(url));
  return asked as Promise<T>;
}

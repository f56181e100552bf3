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
    try {
      const response = await fetch(this.url, { credentials: 'omit', referrerPolicy: 'no-referrer', signal: AbortSignal.timeout(TIMEOUT_MS) });
      this.#answer = response.ok
        ? { value: (await response.json()) as unknown, at: Date.now(), failed: null }
        : { ...this.#answer, failed: response.status };
    } catch {
      this.#answer = { ...this.#answer, failed: 0 };
    }
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
  const asked = fetch(url, { credentials: 'omit', referrerPolicy: 'no-referrer', signal: AbortSignal.timeout(TIMEOUT_MS) }).then((response) => {
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return response.json() as Promise<unknown>;
  });
  kept.set(url, asked);
  asked.catch(() => kept.delete(url));
  return asked as Promise<T>;
}

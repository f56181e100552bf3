import { backoff } from '../feed/backoff';
import { fetchJson, FetchError } from '../feed/world';

/** So long (ms) a reader stays at a moment before anything of it is asked for: who drags past it asks nothing. */
const REST_MS = 250;
/** Answers that are kept. */
const KEPT = 50;

/**
 * An answer of the API about versions of the past, none of which ever changes: asked for once, and one at a time. What
 * was known last stays until what is wanted is here; `state` says which of the two it is.
 */
export class Recorded<T> {
  value = $state.raw<T | null>(null);
  /** What became of the last wish: on its way, here, not on record, or not to be had (it is tried again). */
  state = $state<'here' | 'loading' | 'gone' | 'failed'>('loading');
  readonly #kept = new Map<string, T>();
  #url = '';
  #asking = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly fetch: (url: string) => Promise<unknown> = fetchJson,
    private readonly random: () => number = Math.random,
  ) {}

  /** The address of what is wanted, which names a version. */
  want(url: string): void {
    if (url === this.#url) return;
    this.#url = url;
    this.#failures = 0;
    const kept = this.#kept.get(url);
    if (kept === undefined) this.state = 'loading';
    else [this.value, this.state] = [kept, 'here'];
    this.#plan(REST_MS);
  }

  stop(): void {
    this.#url = '';
    clearTimeout(this.#timer);
  }

  #plan(wait: number): void {
    clearTimeout(this.#timer);
    if (this.#url === '' || this.#asking || this.state === 'here') return;
    this.#timer = setTimeout(() => void this.#ask(), wait);
  }

  async #ask(): Promise<void> {
    const url = this.#url;
    this.#asking = true;
    let answer: { value: T } | null = null;
    let gone = false;
    try {
      answer = { value: (await this.fetch(url)) as T };
      this.#keep(url, answer.value);
    } catch (error) {
      gone = error instanceof FetchError && (error.status === 410 || error.status === 404);
    }
    this.#asking = false;
    // Somewhere else by now: what is wanted there is asked for in its turn.
    if (url !== this.#url) return this.#plan(REST_MS);
    this.value = answer?.value ?? null;
    this.state = answer ? 'here' : gone ? 'gone' : 'failed';
    if (this.state === 'failed') this.#plan(backoff(this.#failures++, this.random));
  }

  #keep(url: string, value: T): void {
    this.#kept.set(url, value);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}

import { fetchJson } from '../feed/world';

/**
 * An answer of the API that follows the figures: asked for again when they have moved, but not sooner than some time
 * after the last answer, and never twice at once. The last good answer stays while a new one is on its way.
 */
export class Asked<T> {
  value = $state.raw<T | null>(null);
  failed = $state(false);
  #url = '';
  #version = '';
  #asked = '';
  #asking = false;
  #last = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `pause` is the least time in ms between two answers. */
  constructor(
    private readonly pause: number,
    private readonly fetch: (url: string) => Promise<unknown> = fetchJson,
  ) {}

  /** What is wanted, as of which version. Another address forgets the answer to the one before. */
  want(url: string, version: string): void {
    if (url !== this.#url) {
      this.#url = url;
      this.value = null;
      this.failed = false;
      this.#last = -Infinity;
    }
    this.#version = version;
    this.#plan();
  }

  /** Asks again now, whatever has moved. */
  again(): void {
    this.#asked = '';
    this.#last = -Infinity;
    this.#plan();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#url = '';
  }

  #plan(): void {
    clearTimeout(this.#timer);
    if (this.#url === '' || this.#asking || this.#asked === `${this.#url} ${this.#version}`) return;
    const wait = this.#last + this.pause - Date.now();
    if (wait <= 0) void this.#ask();
    else this.#timer = setTimeout(() => void this.#ask(), wait);
  }

  async #ask(): Promise<void> {
    const url = this.#url;
    this.#asked = `${url} ${this.#version}`;
    this.#asking = true;
    let answer: { value: T } | null = null;
    try {
      answer = { value: (await this.fetch(url)) as T };
    } catch {
      // Told by `failed`; asked for again with the next version.
    }
    this.#asking = false;
    if (url === this.#url) {
      this.#last = Date.now();
      if (answer) this.value = answer.value;
      this.failed = answer === null;
      if (answer === null) this.#asked = '';
    }
    this.#plan();
  }
}

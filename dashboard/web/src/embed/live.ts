import { backoff } from '../feed/backoff';
import { Held } from '../feed/held';
import { openSocket, type OpenStream, type Stream } from '../feed/stream';
import type { Definition, Frame } from '../feed/types';
import { ask, type Answer } from './poll';
import type { Summary } from './view';

type Listener = (answer: Answer<Summary>) => void;

/** What following needs of the world; tests give their own. */
export interface LiveWorld {
  ask: typeof ask;
  openSocket: OpenStream;
  /** Whether the page around forbids sockets by its policy: one attempt says so, and is not repeated. */
  forbidden(): boolean;
  random(): number;
}

let forbidden = false;
globalThis.document?.addEventListener('securitypolicyviolation', ({ blockedURI }) => {
  if (/^wss?:/.test(blockedURI)) forbidden = true;
});
const BROWSER: LiveWorld = { ask, openSocket, forbidden: () => forbidden, random: Math.random };

/** How often figures are asked for where no socket carries them, ms. */
const EVERY_MS = 5000;
/** Nothing is drawn more often, ms: a newspaper's page has more to do. */
const DRAW_MS = 1000;
/** So many sockets that never brought a frame, and figures are asked for instead. */
const SOCKET_TRIES = 2;
/** After so many answers a socket is tried once more: about three minutes. */
const ASKED_BETWEEN = 36;
/** Three pings are missed: the connection is dead, whatever the network says. */
const SILENCE_MS = 35_000;
/** A withdrawn candidate stands in the definition, which no frame carries: it is read again so often, ms. */
const RENEWED_MS = 600_000;

/** Some units of one election, followed for all elements of a page that show them: an answer over HTTP, then the feed. */
export class Live {
  readonly #listeners = new Set<Listener>();
  readonly #held = new Held();
  #definition: Definition | null = null;
  #definedAt = 0;
  #answer: Answer<Summary> = { value: null, at: null, failed: null };
  #stream: Stream | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #telling: ReturnType<typeof setTimeout> | undefined;
  #toldAt = 0;
  #deaf = 0;
  #polls = 0;
  #failures = 0;
  /** Rises whenever what is under way has become pointless. */
  #generation = 0;

  /** `query` says which units, as `…/summary` wants it. */
  constructor(
    private readonly base: string,
    private readonly query: string,
    private readonly world: LiveWorld = BROWSER,
  ) {}

  add(listener: Listener): void {
    this.#listeners.add(listener);
    if (this.#answer.at !== null || this.#answer.failed !== null) listener(this.#answer);
    if (this.#listeners.size === 1) this.#go();
  }

  remove(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#drop();
  }

  /** From what is held, or from the start. */
  #go(): void {
    this.#drop();
    const known = this.#definition !== null && Date.now() - this.#definedAt < RENEWED_MS;
    if (known && this.#mayOpen()) this.#open();
    else void this.#ask();
  }

  #drop(): void {
    this.#generation += 1;
    this.#stream?.close();
    this.#stream = null;
    clearTimeout(this.#timer);
  }

  #again(wait: number): void {
    this.#drop();
    this.#timer = setTimeout(() => this.#go(), wait);
  }

  async #ask(): Promise<void> {
    const generation = this.#generation;
    const got = await this.world.ask<Summary>(`${this.base}/summary?${this.query}`);
    if (generation !== this.#generation) return;
    if (typeof got === 'number') {
      this.#failed(got);
      return this.#again(EVERY_MS + backoff(this.#failures, this.world.random));
    }
    this.#definition = got.definition;
    this.#definedAt = Date.now();
    this.#held.replace(got);
    this.#good();
    if (this.#mayOpen()) return this.#open();
    this.#polls += 1;
    if (this.#polls % ASKED_BETWEEN === 0) this.#deaf = SOCKET_TRIES - 1;
    // Not all pages of the country in one moment.
    this.#again(EVERY_MS * (0.9 + 0.2 * this.world.random()));
  }

  #mayOpen(): boolean {
    return this.#deaf < SOCKET_TRIES && !this.world.forbidden();
  }

  #open(): void {
    const generation = this.#generation;
    const query = new URLSearchParams({ units: this.#units(), since: this.#held.position ?? '' });
    let deaf = true;
    this.#watch();
    this.#stream = this.world.openSocket(`${this.base}/live?${query}`, {
      frame: (text) => {
        if (generation !== this.#generation) return;
        deaf = false;
        this.#deaf = 0;
        this.#frame(text);
      },
      closed: () => {
        if (generation !== this.#generation) return;
        this.#lost(deaf);
      },
    });
  }

  #lost(deaf: boolean): void {
    if (deaf) this.#deaf += 1;
    this.#failed(0);
    this.#again(this.#mayOpen() ? backoff(this.#failures, this.world.random) : 0);
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(true), SILENCE_MS);
  }

  #frame(text: string): void {
    let outcome;
    try {
      outcome = this.#held.apply(JSON.parse(text) as Frame);
    } catch {
      return this.#lost(true);
    }
    // Of a service that was started anew the definition may be another too.
    if (outcome.kind === 'gap' || outcome.kind === 'replaced' || Date.now() - this.#definedAt > RENEWED_MS) {
      this.#definition = null;
      return this.#again(EVERY_MS * this.world.random());
    }
    this.#watch();
    this.#good();
  }

  /** Whole kinds where all of them are followed: then many readers share a frame, and it comes deflated. */
  #units(): string {
    const [first, ...parts] = this.#held.units.values();
    if (first?.kind === 'country' && parts[0]) return `country,${parts[0].kind}s`;
    return [...this.#held.units.keys()].join(',');
  }

  #good(): void {
    const { header, units } = this.#held;
    if (!header || !this.#definition) return;
    this.#failures = 0;
    this.#answer = { value: { ...header, units: [...units.values()], definition: this.#definition }, at: Date.now(), failed: null };
    this.#tell();
  }

  #failed(status: number): void {
    this.#failures += 1;
    this.#answer = { ...this.#answer, failed: status };
    this.#tell();
  }

  #tell(): void {
    if (this.#telling !== undefined) return;
    const tell = () => {
      this.#telling = undefined;
      this.#toldAt = Date.now();
      for (const listener of this.#listeners) listener(this.#answer);
    };
    const wait = this.#toldAt + DRAW_MS - Date.now();
    if (wait <= 0) tell();
    else this.#telling = setTimeout(tell, wait);
  }
}

const lives = new Map<string, Live>();

/** Follows some units until the function that is returned is called. */
export function followUnits(base: string, query: string, listener: Listener): () => void {
  const url = `${base}?${query}`;
  const live = lives.get(url) ?? new Live(base, query);
  lives.set(url, live);
  live.add(listener);
  return () => live.remove(listener);
}

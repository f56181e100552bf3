import { FeedClient, type Link } from '../feed/client';
import type { Header, Unit, UnitKind } from '../feed/types';
import { browser } from '../feed/world';

/** Without any frame for so long (ms of real time), the page says how old it is. */
export const STALE_MS = 45_000;

const SETTLE_MS = 100;

/** The election night as the page holds it: one version of everything, live. */
export class Night {
  header = $state.raw<Header | null>(null);
  link = $state<Link>('connecting');
  /** Real time without any frame, in ms; null before the first. */
  age = $state<number | null>(null);
  online = $state(navigator.onLine);
  readonly stale = $derived(this.age !== null && this.age > STALE_MS && this.link !== 'paused');

  /** Rises with every change of a count; reading it makes a computation follow the counts. */
  #tick = $state(0);
  readonly #client: FeedClient;
  readonly #listeners = new Set<(units: string[] | 'all') => void>();
  #settling: ReturnType<typeof setTimeout> | undefined;
  readonly #selectors = new Map<string, string[]>();

  constructor(base: string) {
    this.#client = new FeedClient(base, browser, {
      changed: (units) => {
        this.header = this.#client.held.header;
        if (units.length === 0) return;
        this.#tick += 1;
        for (const listener of this.#listeners) listener(units);
      },
      link: (link) => (this.link = link),
    });
  }

  start(): () => void {
    this.#client.start();
    const clock = setInterval(() => this.#look(), 1000);
    const online = () => {
      this.online = navigator.onLine;
      if (this.online) this.#client.hurry();
    };
    addEventListener('online', online);
    addEventListener('offline', online);
    return () => {
      clearInterval(clock);
      clearTimeout(this.#settling);
      removeEventListener('online', online);
      removeEventListener('offline', online);
      this.#client.stop();
    };
  }

  /** A unit as of the version held; undefined when it is not followed. */
  unit(id: string): Unit | undefined {
    void this.#tick;
    return this.#client.held.units.get(id);
  }

  /** All units of one kind as of the version held; does not make a computation follow the counts. */
  ofKind(kind: UnitKind): Unit[] {
    return [...this.#client.held.units.values()].filter((unit) => unit.kind === kind);
  }

  /** Calls back with the units that changed, for what draws outside of components. */
  onChange(listener: (units: string[] | 'all') => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Follows more than the aggregates, in the name of one part of the page; an empty list ends it. */
  follow(who: string, selectors: string[]): void {
    this.#selectors.set(who, selectors);
    // Several parts change their minds in one moment when the address changes: one new connection is enough.
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      const extra = new Set([...this.#selectors.values()].flat());
      const single = extra.has('precincts') ? ['precincts'] : [...extra];
      this.#client.follow(['country', 'abroad', 'regions', 'raions', 'districts', ...single]);
    }, SETTLE_MS);
  }

  togglePause(): void {
    if (this.link === 'paused') this.#client.resume();
    else this.#client.pause();
  }

  #look(): void {
    const { lastFrameAt } = this.#client;
    this.age = lastFrameAt === null ? null : Date.now() - lastFrameAt;
  }
}

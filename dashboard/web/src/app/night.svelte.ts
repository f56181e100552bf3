import { FeedClient, type Link } from '../feed/client';
import type { Header, Unit, UnitKind } from '../feed/types';
import { browser } from '../feed/world';
import type { Past } from './machine.svelte';

/** Without any frame for so long (ms of real time), the page says how old it is. */
export const STALE_MS = 45_000;

const SETTLE_MS = 100;

/** The election night as the page holds it: one version of everything, live or of the past. */
export class Night {
  /** Of the version in view: the newest, or one of the past. */
  readonly header: Header | null = $derived.by(() => this.past?.snapshot ?? this.#live);
  /** The version of the past that is in view; null for the newest. */
  past = $state.raw<Past | null>(null);
  /** Of the newest version. */
  #live = $state.raw<Header | null>(null);
  link = $state<Link>('connecting');
  /** Real time without any frame, in ms; null before the first. */
  age = $state<number | null>(null);
  /** What is followed beside the aggregates. */
  followed = $state('');
  online = $state(navigator.onLine);
  readonly stale = $derived(this.age !== null && this.age > STALE_MS && this.link !== 'paused');

  /** Rises with every change of a count; reading it makes a computation follow the counts. */
  #tick = $state(0);
  readonly #client: FeedClient;
  readonly #listeners = new Set<(units: string[] | 'all') => void>();
  #settling: ReturnType<typeof setTimeout> | undefined;
  readonly #selectors = new Map<string, string[]>();

  /** `over` of an election that is none to follow any more. */
  constructor(base: string, over = false) {
    const events = {
      changed: (units: string[] | 'all') => {
        this.#live = this.#client.held.header;
        // Whoever looks at the past is not disturbed by what goes on.
        if (units.length > 0 && this.past === null) this.#tell(units);
      },
      link: (link: Link) => (this.link = link),
    };
    this.#client = new FeedClient(base, browser, events, over);
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
    return this.#units.get(id);
  }

  /** All units of one kind as of the version held; does not make a computation follow the counts. */
  ofKind(kind: UnitKind): Unit[] {
    return [...this.#units.values()].filter((unit) => unit.kind === kind);
  }

  /** The header of the newest version, whatever is in view. */
  get live(): Header | null {
    return this.#live;
  }

  /** Shows a version of the past; null: the newest again. */
  travel(past: Past | null): void {
    if (past === null && this.past === null) return;
    this.past = past;
    this.#tell('all');
  }

  /** The precincts that are followed: all of them, or those that are looked at by themselves. */
  get precincts(): string[] {
    const followed = this.followed.split(',');
    if (followed.includes('precincts')) return ['precincts'];
    return (this.#selectors.get('panel') ?? []).filter((selector) => selector.startsWith('precinct:'));
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
      this.followed = single.join(',');
      this.#client.follow(['country', 'abroad', 'regions', 'raions', 'districts', ...single]);
    }, SETTLE_MS);
  }

  togglePause(): void {
    if (this.link === 'paused') this.#client.resume();
    else this.#client.pause();
  }

  get #units(): ReadonlyMap<string, Unit> {
    return this.past?.units ?? this.#client.held.units;
  }

  #tell(units: string[] | 'all'): void {
    this.#tick += 1;
    for (const listener of this.#listeners) listener(units);
  }

  #look(): void {
    const { lastFrameAt } = this.#client;
    this.age = lastFrameAt === null ? null : Date.now() - lastFrameAt;
  }
}

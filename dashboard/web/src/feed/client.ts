import { backoff } from './backoff';
import { Held, type Outcome } from './held';
import type { OpenStream, Stream } from './stream';
import type { Frame, Snapshot } from './types';

/** How the page is joined to the server just now. */
export type Link = 'connecting' | 'live' | 'waiting' | 'paused';

export interface FeedEvents {
  /** The counts changed: which units, or all of them. */
  changed(units: string[] | 'all'): void;
  /** Header, link or age may have changed. */
  link(link: Link): void;
}

/** What the client needs of the world; tests give their own. */
export interface FeedWorld {
  fetchJson(url: string): Promise<unknown>;
  openSocket: OpenStream;
  openEvents: OpenStream;
  now(): number;
  random(): number;
  setTimer(run: () => void, ms: number): number;
  clearTimer(timer: number): void;
}

/** Three pings are missed: the connection is dead, whatever the network says. */
const SILENCE_MS = 35_000;
/** So many WebSockets that never brought a frame, and server-sent events are tried. */
const SOCKET_TRIES = 2;
const PRECINCTS = 'precincts';

/** Follows one election: a snapshot over HTTP, then the live feed, resumed where it broke. */
export class FeedClient {
  readonly held = new Held();
  link: Link = 'connecting';
  /** Of this device's own clock, in ms; null until anything has come. */
  lastFrameAt: number | null = null;

  #selectors: string[] = ['country', 'abroad', 'regions', 'raions', 'districts'];
  #stream: Stream | null = null;
  #timer: number | null = null;
  #watchdog: number | null = null;
  #failures = 0;
  #deafSockets = 0;
  /** The next feed is to begin with a snapshot, whatever is held. */
  #fresh = false;
  /** Rises whenever what is under way has become pointless. */
  #generation = 0;

  constructor(
    private readonly base: string,
    private readonly world: FeedWorld,
    private readonly events: FeedEvents,
    /** The election is over: its last figures are read, and nothing is followed. */
    private readonly over = false,
  ) {}

  start(): void {
    this.#restart();
  }

  stop(): void {
    this.#drop();
  }

  /** Stops every update until `resume`, which catches up from the version held. */
  pause(): void {
    this.#drop();
    this.#setLink('paused');
  }

  resume(): void {
    if (this.link === 'paused') this.#restart();
  }

  /** Tries at once what would be tried later: the network is said to be back. */
  hurry(): void {
    if (this.link === 'waiting') this.#restart();
  }

  /** Which units to follow, as ids or kinds (`units=` of the protocol). */
  follow(selectors: string[]): void {
    const wider = selectors.some((selector) => !this.#selectors.includes(selector));
    if (!wider && selectors.length === this.#selectors.length) return;
    this.#selectors = [...selectors];
    if (!selectors.includes(PRECINCTS)) {
      this.held.forget((unit) => unit.kind === 'precinct' && !selectors.includes(unit.id));
    }
    if (this.link !== 'paused') this.#restart();
  }

  #restart(): void {
    this.#drop();
    this.#failures = 0;
    void this.#connect();
  }

  #drop(): void {
    this.#generation += 1;
    this.#stream?.close();
    this.#stream = null;
    if (this.#timer !== null) this.world.clearTimer(this.#timer);
    if (this.#watchdog !== null) this.world.clearTimer(this.#watchdog);
    this.#timer = this.#watchdog = null;
  }

  async #connect(): Promise<void> {
    const generation = this.#generation;
    if (this.link !== 'live') this.#setLink('connecting');
    try {
      if (this.held.position === null) await this.#takeSnapshot(generation);
      await this.#takePrecincts(generation);
    } catch {
      if (generation === this.#generation) this.#retry();
      return;
    }
    if (generation !== this.#generation) return;
    if (this.over) this.#setLink('live');
    else this.#open();
  }

  async #takeSnapshot(generation: number): Promise<void> {
    const snapshot = (await this.world.fetchJson(`${this.base}/results`)) as Snapshot;
    if (generation !== this.#generation) return;
    this.#heard();
    this.#report(this.held.replace(snapshot));
  }

  // All precincts at once are fetched over HTTP, where they come compressed and from caches.
  async #takePrecincts(generation: number): Promise<void> {
    if (generation !== this.#generation || !this.#selectors.includes(PRECINCTS) || this.#holdsAllPrecincts()) return;
    const snapshot = (await this.world.fetchJson(`${this.base}/precincts`)) as Snapshot;
    if (generation !== this.#generation) return;
    this.#heard();
    if (this.held.merge(snapshot)) this.events.changed(snapshot.units.map((unit) => unit.id));
    else this.#fresh = true;
  }

  #holdsAllPrecincts(): boolean {
    const expected = this.held.units.get('country')?.precincts ?? Infinity;
    let held = 0;
    for (const unit of this.held.units.values()) if (unit.kind === 'precinct') held += 1;
    return held >= expected;
  }

  // Single units that are not held yet come with the snapshot that a feed without `since` begins with.
  #holdsSingleUnits(): boolean {
    return this.#selectors.every((selector) => !selector.includes(':') || this.held.units.has(selector));
  }

  #open(): void {
    const query = new URLSearchParams({ units: this.#selectors.join(',') });
    if (!this.#fresh && this.#holdsSingleUnits()) query.set('since', this.held.position ?? '');
    const asEvents = this.#deafSockets >= SOCKET_TRIES;
    const open = asEvents ? this.world.openEvents : this.world.openSocket;
    const generation = this.#generation;
    let deaf = true;
    this.#watch();
    this.#stream = open(`${this.base}/${asEvents ? 'events' : 'live'}?${query}`, {
      frame: (text) => {
        if (generation !== this.#generation) return;
        deaf = false;
        this.#deafSockets = 0;
        this.#frame(text);
      },
      closed: () => {
        if (generation !== this.#generation) return;
        // After a deaf WebSocket count one more; after server-sent events give WebSocket another chance.
        this.#deafSockets = asEvents ? 0 : this.#deafSockets + (deaf ? 1 : 0);
        this.#retry();
      },
    });
  }

  #frame(text: string): void {
    let frame: Frame;
    try {
      frame = JSON.parse(text) as Frame;
    } catch {
      return this.#retry();
    }
    this.#heard();
    this.#failures = 0;
    this.#watch();
    this.#setLink('live');
    this.#report(this.held.apply(frame));
  }

  #report(outcome: Outcome): void {
    switch (outcome.kind) {
      case 'replaced':
        this.#fresh = false;
        return this.events.changed('all');
      case 'changed':
        return this.events.changed(outcome.units);
      case 'same':
        return this.events.changed([]);
      case 'gap':
        this.#fresh = true;
        return this.#retry();
    }
  }

  #retry(): void {
    this.#drop();
    this.#setLink('waiting');
    this.#timer = this.world.setTimer(() => void this.#connect(), backoff(this.#failures, this.world.random));
    this.#failures += 1;
  }

  #watch(): void {
    if (this.#watchdog !== null) this.world.clearTimer(this.#watchdog);
    this.#watchdog = this.world.setTimer(() => this.#retry(), SILENCE_MS);
  }

  #heard(): void {
    // What is over does not grow old.
    if (!this.over) this.lastFrameAt = this.world.now();
  }

  #setLink(link: Link): void {
    this.link = link;
    this.events.link(link);
  }
}

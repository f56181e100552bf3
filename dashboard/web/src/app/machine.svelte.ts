import type { Snapshot, Unit } from '../feed/types';
import { fetchJson, FetchError } from '../feed/world';

/** A version of the past: what the page shows instead of the newest. */
export interface Past {
  snapshot: Snapshot;
  units: Map<string, Unit>;
}

/** What the time machine moves. */
export interface Traveller {
  /** Shows a version of the past; null: the newest again. */
  travel(past: Past | null): void;
  /** Which precincts are in view: `precincts` for all of them, or their ids. */
  readonly precincts: string[];
}

interface Moments {
  moments: { at: string; epoch: string; version: number }[];
}

/** Takes the page to any second of the night and back. One answer is asked for at a time: the last second wished for wins. */
export class TimeMachine {
  /** Where the reader wants to be, in seconds since 1970; null is now. */
  at = $state<number | null>(null);
  /** What became of the last wish: on its way, here, not on record, or not to be had. */
  state = $state<'here' | 'loading' | 'gone' | 'failed'>('here');
  #moments: Promise<Moments | null> | null = null;
  #busy = false;
  #shown = '';

  constructor(
    private readonly base: string,
    private readonly traveller: Traveller,
    private readonly fetch: (url: string) => Promise<unknown> = fetchJson,
  ) {}

  /** Goes to a second of the night; null leads back to now. */
  go(at: number | null): void {
    this.at = at === null ? null : Math.floor(at);
    if (at === null) {
      this.state = 'here';
      this.#shown = '';
      this.traveller.travel(null);
    } else void this.#follow();
  }

  /** Other units have come into view: they are wanted of the same second. */
  again(): void {
    if (this.at === null) return;
    this.#shown = '';
    void this.#follow();
  }

  async #follow(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.at !== null && this.#shown !== this.#wish()) {
      const wish = this.#wish();
      this.state = 'loading';
      try {
        const past = await this.#past(this.at, this.traveller.precincts);
        if (this.at === null) break;
        this.traveller.travel(past);
        this.state = 'here';
      } catch (error) {
        this.state = error instanceof FetchError && (error.status === 410 || error.status === 404) ? 'gone' : 'failed';
      }
      this.#shown = wish;
    }
    this.#busy = false;
    if (this.at === null) this.state = 'here';
  }

  #wish(): string {
    return `${this.at} ${this.traveller.precincts.join(',')}`;
  }

  async #past(at: number, precincts: string[]): Promise<Past> {
    // Precincts are on record at moments only: then everything on the page is of that moment.
    const moment = precincts.length > 0 ? await this.#moment(at) : null;
    const query = moment ?? `at=${new Date(at * 1000).toISOString().slice(0, 19)}Z`;
    const snapshot = (await this.fetch(`${this.base}/results?${query}`)) as Snapshot;
    const units = new Map(snapshot.units.map((unit) => [unit.id, unit]));
    const version = `version=${snapshot.epoch}:${snapshot.version}`;
    if (precincts.includes('precincts')) {
      const all = (await this.fetch(`${this.base}/precincts?${version}`)) as Snapshot;
      for (const unit of all.units) units.set(unit.id, unit);
    } else {
      const single = await Promise.all(precincts.map((id) => this.fetch(`${this.base}/units/${id}?${version}`) as Promise<{ unit: Unit }>));
      for (const { unit } of single) units.set(unit.id, unit);
    }
    return { snapshot, units };
  }

  /** The last version on record at or before a second. */
  async #moment(at: number): Promise<string | null> {
    const known = await this.#known();
    const last = known?.moments.findLast((moment) => Date.parse(moment.at) / 1000 <= at) ?? known?.moments[0];
    return last ? `version=${last.epoch}:${last.version}` : null;
  }

  #known(): Promise<Moments | null> {
    // A service without a history answers from memory alone: then every second is asked for by its time.
    this.#moments ??= (this.fetch(`${this.base}/moments?step=10`) as Promise<Moments>).catch(() => null);
    return this.#moments;
  }
}

import type { Place } from '../feed/types';
import { fetchJson } from '../feed/world';

/** Every precinct's polling place; fetched when first needed, since a first look needs none. */
export class Places {
  state = $state<'idle' | 'loading' | 'ready' | 'failed'>('idle');
  #places = $state.raw(new Map<string, Place>());
  /** The map stands: what only adds to it may be fetched from now on. */
  drawn = $state(false);

  constructor(private readonly url: string) {}

  /** By unit id. */
  get(id: string): Place | undefined {
    return this.#places.get(id);
  }

  get all(): Map<string, Place> {
    return this.#places;
  }

  async load(): Promise<void> {
    if (this.state === 'loading' || this.state === 'ready') return;
    this.state = 'loading';
    try {
      const places = (await fetchJson(this.url)) as Place[];
      this.#places = new Map(places.map((place) => [`precinct:${place.precinct}`, place]));
      this.state = 'ready';
    } catch {
      this.state = 'failed';
    }
  }
}

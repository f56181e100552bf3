import type { FeatureCollection } from 'geojson';
import { fetchJson } from '../feed/world';
import { boundsOf, labelPoint, type Areas, type Bounds } from './geometry';
import type { Level } from './level';

/** One level's areas with where each lies and where its label or circle belongs. */
export interface Layer {
  areas: Areas;
  bounds: Map<string, Bounds>;
  points: Map<string, [number, number]>;
}

/** Geometry of one election, fetched once each and kept. */
export class Boundaries {
  readonly #layers = new Map<Level, Promise<Layer>>();
  readonly #base = new Map<string, Promise<FeatureCollection>>();

  constructor(private readonly url: string) {}

  level(level: Level): Promise<Layer> {
    return remembered(this.#layers, level, async () => {
      const areas = (await fetchJson(`${this.url}/${level}.geojson`)) as Areas;
      const bounds = new Map(areas.features.map((area) => [area.properties.id, boundsOf(area)]));
      // Precincts are drawn at their polling places, which are given.
      const points = new Map(
        level === 'precincts' ? [] : areas.features.map((area) => [area.properties.id, labelPoint(area)]),
      );
      return { areas, bounds, points };
    });
  }

  base(layer: 'lakes' | 'neighbours' | 'settlements'): Promise<FeatureCollection> {
    return remembered(
      this.#base,
      layer,
      async () => (await fetchJson(`${this.url}/${layer}.geojson`)) as FeatureCollection,
    );
  }
}

function remembered<K, V>(known: Map<K, Promise<V>>, key: K, load: () => Promise<V>): Promise<V> {
  const existing = known.get(key);
  if (existing) return existing;
  const loading = load();
  known.set(key, loading);
  // A failure is not remembered: the next to ask tries again.
  loading.catch(() => known.delete(key));
  return loading;
}

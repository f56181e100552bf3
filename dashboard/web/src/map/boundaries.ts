import type { Feature, FeatureCollection } from 'geojson';
import { fetchJson } from '../feed/world';
import type { Language } from '../i18n/languages';
import { boundsOf, contains, labelPoint, middle, shores, type Areas, type Bounds } from './geometry';
import type { Level } from './level';

export type BaseLayer = 'lakes' | 'neighbours' | 'settlements';

/** One level's areas with where each lies. */
export interface Layer {
  areas: Areas;
  bounds: Map<string, Bounds>;
}

/** Geometry of one election, fetched once each and kept. */
export class Boundaries {
  readonly #layers = new Map<Level, Promise<Layer>>();
  readonly #points = new Map<Level, Promise<Map<string, [number, number]>>>();
  readonly #base = new Map<string, Promise<FeatureCollection>>();

  constructor(private readonly url: string) {}

  level(level: Level): Promise<Layer> {
    return remembered(this.#layers, level, async () => {
      const areas = (await fetchJson(`${this.url}/${level}.geojson`)) as Areas;
      return { areas, bounds: new Map(areas.features.map((area) => [area.properties.id, boundsOf(area)])) };
    });
  }

  /** Where the label or circle of each area belongs. Precincts are drawn at their polling places, which are given. */
  points(level: Exclude<Level, 'precincts'>): Promise<Map<string, [number, number]>> {
    return remembered(this.#points, level, async () => {
      const [{ areas }, lakes] = await Promise.all([this.level(level), this.base('lakes')]);
      const water = shores(lakes.features);
      return new Map(areas.features.map((area) => [area.properties.id, labelPoint(area, water)]));
    });
  }

  /** The base layers with each name in one language. A lake beyond the border is drawn, but not named. */
  async named(language: Language): Promise<Record<BaseLayer, FeatureCollection>> {
    const [neighbours, lakes, settlements, regions] = await Promise.all([
      this.base('neighbours'),
      this.base('lakes'),
      this.base('settlements'),
      this.level('regions'),
    ]);
    const inside = ({ geometry }: Feature) =>
      geometry.type !== 'Polygon' ||
      regions.areas.features.some((region) => contains(region, middle(geometry.coordinates[0] ?? [])));
    return {
      neighbours,
      lakes: labelled(lakes, (lake) => (inside(lake) ? nameOf(lake, language) : '')),
      settlements: labelled(settlements, (town) => nameOf(town, language)),
    };
  }

  /** Water, neighbours and towns decorate the map: without them it still shows every figure. */
  base(layer: BaseLayer): Promise<FeatureCollection> {
    const load = async () => (await fetchJson(`${this.url}/${layer}.geojson`)) as FeatureCollection;
    return remembered(this.#base, layer, load).catch(() => ({ type: 'FeatureCollection', features: [] }));
  }
}

function labelled(layer: FeatureCollection, label: (feature: Feature) => string): FeatureCollection {
  const features = layer.features.map((feature) => ({
    ...feature,
    properties: { ...feature.properties, label: label(feature) },
  }));
  return { ...layer, features };
}

/** Towns come with a Latin and a Cyrillic name, lakes with one a language. */
function nameOf({ properties }: Feature, language: Language): string {
  const script = language === 'en' ? 'name' : 'name_cyrillic';
  const name: unknown = properties?.[`name_${language}`] ?? properties?.[script] ?? properties?.['name'];
  return typeof name === 'string' ? name : '';
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

import { afterEach, expect, it, vi } from 'vitest';
import { Boundaries } from './boundaries';

const square = (w: number, s: number, e: number, n: number) => [[w, s], [e, s], [e, n], [w, n], [w, s]];
const polygon = (properties: object, ring: number[][]) => ({
  type: 'Feature',
  properties,
  geometry: { type: 'Polygon', coordinates: [ring] },
});
const point = (properties: object) => ({ type: 'Feature', properties, geometry: { type: 'Point', coordinates: [74, 42] } });
const layers: Record<string, object[]> = {
  regions: [polygon({ id: 'region:a' }, square(70, 40, 76, 43))],
  precincts: [polygon({ id: 'precinct:1' }, square(70, 40, 71, 41))],
  lakes: [
    polygon({ name_ky: 'Көл', name_ru: 'Озеро', name_en: 'Lake' }, square(72, 41, 74, 42)),
    polygon({ name_ky: 'Тышкы', name_ru: 'Внешнее', name_en: 'Beyond' }, square(80, 41, 81, 42)),
  ],
  neighbours: [],
  settlements: [point({ name: 'Osh', name_cyrillic: 'Ош' }), point({ name: 'Only' })],
};
const asked = vi.fn();
vi.stubGlobal('fetch', async (url: string) => {
  asked(url);
  const name = /(\w+)\.geojson$/.exec(url)?.[1] ?? '';
  return new Response(JSON.stringify({ type: 'FeatureCollection', features: layers[name] }));
});
afterEach(() => asked.mockClear());
const labels = (features: { properties: unknown }[]) =>
  features.map(({ properties }) => (properties as { label: string }).label);

it('fetches a layer once and knows its bounds and label points', async () => {
  const boundaries = new Boundaries('/b');
  const [first, again] = await Promise.all([boundaries.level('regions'), boundaries.level('regions')]);
  expect(first).toBe(again);
  expect(first.bounds.get('region:a')).toEqual([70, 40, 76, 43]);
  expect((await boundaries.points('regions')).has('region:a')).toBe(true);
  expect(asked.mock.calls.flat()).toEqual(['/b/regions.geojson', '/b/lakes.geojson']);
});

it('asks for no water to know what lies where', async () => {
  await new Boundaries('/b').level('precincts');
  expect(asked.mock.calls.flat()).toEqual(['/b/precincts.geojson']);
});

it('names lakes and towns in the reader’s language, but no lake beyond the border', async () => {
  const boundaries = new Boundaries('/b');
  const ky = await boundaries.named('ky');
  expect(labels(ky.lakes.features)).toEqual(['Көл', '']);
  expect(labels(ky.settlements.features)).toEqual(['Ош', 'Only']);
  expect(labels((await boundaries.named('en')).settlements.features)).toEqual(['Osh', 'Only']);
});

it('goes without a base layer that fails, and asks for it again', async () => {
  const boundaries = new Boundaries('/b');
  const working = globalThis.fetch;
  vi.stubGlobal('fetch', async () => new Response('', { status: 503 }));
  expect((await boundaries.base('lakes')).features).toEqual([]);
  await expect(boundaries.level('precincts')).rejects.toMatchObject({ status: 503 });
  vi.stubGlobal('fetch', working);
  expect((await boundaries.base('lakes')).features).toHaveLength(2);
});

import { describe, expect, it } from 'vitest';
import { boundsOf, contains, labelPoint, shores, type Area } from './geometry';
import { neighbour } from './keyboard';
import { levelFor } from './level';

const square = (w: number, s: number, e: number, n: number) => [[w, s], [e, s], [e, n], [w, n], [w, s]];
const area = (coordinates: number[][][][]): Area => ({
  type: 'Feature',
  properties: { id: 'region:a' },
  geometry: { type: 'MultiPolygon', coordinates },
});

describe('geometry', () => {
  it('bounds every part of an area', () => {
    expect(boundsOf(area([[square(70, 40, 71, 41)], [square(74, 42, 75, 43)]]))).toEqual([70, 40, 75, 43]);
  });

  it('labels the middle of the largest part', () => {
    const [x, y] = labelPoint(area([[square(70, 40, 72, 42)], [square(74, 42, 75, 43)]]), []);
    expect(x).toBeCloseTo(71, 1);
    expect(y).toBeCloseTo(41, 1);
  });

  it('keeps a label out of holes and water', () => {
    const land = area([[square(70, 40, 74, 42)]]);
    const lake = square(71, 40.2, 73.5, 41.8);
    const [x] = labelPoint(land, [lake]);
    expect(x).toBeLessThan(71);
    // A lake that reaches beyond the area makes nothing outside of it land.
    const [beyond] = labelPoint(land, [square(73, 40.2, 90, 41.8)]);
    expect(beyond).toBeLessThan(73);
    const holed = area([[square(70, 40, 74, 42), lake]]);
    expect(contains(holed, labelPoint(holed, []))).toBe(true);
  });

  it('reads the shores of lakes', () => {
    expect(shores([area([[square(70, 40, 71, 41)]])])).toHaveLength(1);
  });
});

describe('arrow keys', () => {
  const spots = [
    { id: 'a', x: 0, y: 0 },
    { id: 'b', x: 100, y: 10 },
    { id: 'c', x: 60, y: 80 },
    { id: 'd', x: 0, y: 50 },
  ];
  const from = { id: 'a', x: 0, y: 0 };
  it('lead to the nearest unit that way', () => {
    expect(neighbour(from, spots, 'right')?.id).toBe('b');
    expect(neighbour(from, spots, 'down')?.id).toBe('d');
  });
  it('lead nowhere where nothing lies that way', () => {
    expect(neighbour(from, spots, 'left')).toBeNull();
  });
});

describe('the level in view', () => {
  it('follows the zoom', () => {
    expect([0, 1, 3].map((zoom) => levelFor('regions', zoom, 'country'))).toEqual(['regions', 'raions', 'precincts']);
    expect([0, 1, 3].map((zoom) => levelFor('districts', zoom, 'country'))).toEqual([
      'districts',
      'districts',
      'precincts',
    ]);
  });
  it('brings the parts of a chosen unit into view earlier', () => {
    expect(levelFor('regions', 0.3, 'region')).toBe('raions');
    expect(levelFor('regions', 2, 'raion')).toBe('precincts');
    expect(levelFor('regions', 2, 'region')).toBe('raions');
  });
});

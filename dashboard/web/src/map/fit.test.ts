import { describe, expect, it } from 'vitest';
import { fitted, outline, paddingOf } from './fit';
import { placed } from './names';

const NONE = { top: 0, bottom: 0, left: 0, right: 0 };

describe('a country fitted into a map', () => {
  it('touches the edges that it reaches, and stands in the middle between the others', () => {
    const project = fitted([70, 40, 80, 42], 1000, 1000, { ...NONE, left: 100, right: 100, top: 50 });
    const [[west, south], [east, north]] = [project([70, 40]), project([80, 42])];
    expect([west, east].map(Math.round)).toEqual([100, 900]);
    expect(south - north).toBeLessThan(800 / 3);
    expect((north + south) / 2).toBeCloseTo((50 + 1000) / 2, 5);
  });

  it('keeps angles, as the map does', () => {
    const project = fitted([70, 40, 80, 44], 1000, 400, NONE);
    const [[x0, y0], [x1], [, y1]] = [project([74, 41]), project([74.01, 41]), project([74, 41.01])];
    expect((y0 - y1) / (x1 - x0)).toBeCloseTo(1 / Math.cos((41 * Math.PI) / 180), 2);
  });

  it('leaves room for controls and names, more of it where the screen is large', () => {
    expect(paddingOf(1200, 1).left).toBe(30);
    expect(paddingOf(2400, 2).top).toBe(2 * paddingOf(1200, 1).top);
    expect(paddingOf(320, 1).bottom).toBeGreaterThan(paddingOf(390, 1).bottom);
  });

  it('is drawn without the steps that nobody sees', () => {
    const ring = [[0, 0], [10, 0], [10.2, 0.1], [10, 10], [0, 0]];
    const same = ([x = 0, y = 0]: number[]): [number, number] => [x, y];
    expect(outline({ type: 'Polygon', coordinates: [ring] }, same)).toBe('M0.0 0.0L10.0 0.0L10.0 10.0L0.0 0.0Z');
    expect(outline({ type: 'MultiPolygon', coordinates: [[ring], [ring]] }, same).match(/Z/g)).toHaveLength(2);
    expect(outline({ type: 'Point', coordinates: [0, 0] }, same)).toBe('');
  });
});

describe('names on the map', () => {
  const lettering = { size: 10, measure: (text: string) => 6 * text.length };

  it('are broken into lines of about the same width', () => {
    expect(placed([{ id: 'a', at: [0, 0], text: 'Osh' }, { id: 'b', at: [500, 0], text: 'Jalal-Abad Region' }], lettering)).toEqual([
      { id: 'a', x: 0, y: 0, lines: ['Osh'] },
      { id: 'b', x: 500, y: 0, lines: ['Jalal-Abad', 'Region'] },
    ]);
  });

  it('move beside their point rather than over another, and give way where there is no room at all', () => {
    const wishes = [[100, 100], [100, 110], [100, 100]].map(([x = 0, y = 0], id) => ({ id: String(id), at: [x, y] as [number, number], text: 'Name' }));
    expect(placed(wishes, lettering)).toEqual([
      { id: '0', x: 100, y: 100, lines: ['Name'] },
      { id: '1', x: 100, y: 123.25, lines: ['Name'] },
    ]);
  });
});

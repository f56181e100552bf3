import { describe, expect, it } from 'vitest';
import { chamber } from './hemicycle';

describe('the chamber', () => {
  it('has a place for every seat, none over another, none outside its half circle', () => {
    for (const seats of [1, 2, 3, 5, 9, 21, 31, 54, 90, 120, 450]) {
      const { places, radius } = chamber(seats);
      expect(places).toHaveLength(seats);
      expect(Math.min(...places.map(({ y }) => y))).toBeGreaterThanOrEqual(-1e-9);
      expect(Math.max(...places.map(({ x, y }) => Math.hypot(x, y)))).toBeLessThanOrEqual(1 + 1e-9);
      let nearest = Infinity;
      for (const [at, { x, y }] of places.entries()) {
        for (const other of places.slice(at + 1)) nearest = Math.min(nearest, Math.hypot(x - other.x, y - other.y));
      }
      expect(nearest).toBeGreaterThanOrEqual(2 * radius);
    }
  });

  it('goes from the left end to the right', () => {
    const { places } = chamber(54);
    expect(places[0]?.x).toBeLessThan(-0.4);
    expect(places.at(-1)?.x).toBeGreaterThan(0.4);
    const angles = places.map(({ x, y }) => Math.atan2(y, x));
    expect(angles.every((angle, at) => at === 0 || angle <= (angles[at - 1] ?? 0) + 1e-9)).toBe(true);
  });

  it('is empty where there is nothing to fill', () => {
    expect(chamber(0).places).toEqual([]);
  });
});

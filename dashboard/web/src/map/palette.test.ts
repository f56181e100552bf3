import { describe, expect, it } from 'vitest';
import type { Option } from '../feed/types';
import { distance, mix, parseHex } from './colour';
import { ballotColours, NEUTRAL, readable } from './palette';

const option = (number: number, color: string | null, kind: Option['kind'] = 'party'): Option => ({
  id: `p${number}`,
  number,
  kind,
  name: { ky: '', ru: '' },
  color,
  sex: null,
  party: null,
  status: 'active',
});

describe('the colours of a ballot', () => {
  it('are those of the election files', () => {
    const colours = ballotColours([option(1, '#2f6f9f'), option(2, '#c8553d')]);
    expect([...colours.values()]).toEqual(['#2f6f9f', '#c8553d']);
  });

  it('are replaced where two cannot be told apart, the earlier one standing', () => {
    const colours = ballotColours([option(2, '#2f6f9e'), option(1, '#2f6f9f')]);
    expect(colours.get('p1')).toBe('#2f6f9f');
    expect(distance(colours.get('p2') ?? '', '#2f6f9f')).toBeGreaterThan(0.03);
  });

  it('tell red from green for a reader with deuteranopia', () => {
    expect(distance('#2f6f9f', '#c8553d')).toBeGreaterThan(0.1);
    // Alike to such a reader, however unlike to others: one of the two is replaced.
    const colours = ballotColours([option(1, '#8f8f2f'), option(2, '#b0832f')]);
    expect(distance(colours.get('p1') ?? '', colours.get('p2') ?? '')).toBeGreaterThanOrEqual(0.03);
  });

  it('are neutral for "against all" and beyond what a palette holds', () => {
    const many = Array.from({ length: 14 }, (_, i) => option(i + 1, null));
    const colours = ballotColours([...many, option(15, '#2f6f9f', 'against_all')]);
    expect(colours.get('p15')).toBe(NEUTRAL);
    expect(colours.get('p14')).toBe(NEUTRAL);
    expect(new Set(many.slice(0, 10).map(({ id }) => colours.get(id))).size).toBe(10);
  });
});

describe('colour', () => {
  it('refuses what is no colour', () => {
    expect(parseHex('red')).toBeNull();
    expect(parseHex(null)).toBeNull();
    expect(mix('nonsense', '#ffffff', 0.5)).toBe('nonsense');
  });
  it('mixes from one end to the other', () => {
    expect(mix('#2f6f9f', '#ffffff', 1)).toBe('#2f6f9f');
    expect(mix('#2f6f9f', '#ffffff', 0)).toBe('#ffffff');
  });
  it('lifts what would drown on a dark page', () => {
    expect(readable('#1a1a40', true)).not.toBe('#1a1a40');
    expect(readable('#d9a441', true)).toBe('#d9a441');
    expect(readable('#fdf7e0', false)).not.toBe('#fdf7e0');
  });
});

import { describe, expect, it } from 'vitest';
import { unit } from '../feed/testing';
import type { Contest } from '../feed/types';
import { LIGHT } from './ground';
import { classOf, circleRadius, REPORTED_BREAKS, shade, type ShadeContext } from './shade';

const contest = {
  id: 'list',
  scope: 'country',
  share_of: 'votes_cast',
  options: [{ id: 'p01' }, { id: 'p02' }],
} as Contest;
const context = (change: Partial<ShadeContext> = {}): ShadeContext => ({
  mode: 'leading',
  source: 'urns',
  ground: LIGHT,
  filter: null,
  contestOf: () => contest,
  colourOf: (_, option) => (option === 'p01' ? '#2f6f9f' : '#c8553d'),
  keyOf: (_, option) => option,
  ...change,
});

describe('the shade of a unit', () => {
  it('is hatched where nothing is counted, whatever the mode', () => {
    for (const mode of ['leading', 'reported', 'voters'] as const) {
      expect(shade(unit('region:a', 0, {}), context({ mode })).fill).toBeNull();
    }
    expect(shade(undefined, context()).fill).toBeNull();
  });

  it('is the leader’s full colour from a lead of fifteen points', () => {
    expect(shade(unit('region:a', 4, { p01: 60, p02: 40 }), context())).toMatchObject({ fill: '#2f6f9f', key: 'p01' });
  });

  it('is lighter the smaller the lead', () => {
    const wide = shade(unit('region:a', 4, { p01: 54, p02: 46 }), context()).fill;
    const close = shade(unit('region:a', 4, { p01: 51, p02: 49 }), context()).fill;
    expect(wide).not.toBe(close);
  });

  it('is nobody’s colour in a tie', () => {
    expect(shade(unit('region:a', 4, { p01: 5, p02: 5 }), context())).toMatchObject({ fill: LIGHT.tie, key: 'tie' });
  });

  it('has a firm outline only when every precinct has reported', () => {
    expect(shade(unit('region:a', 9), context()).complete).toBe(false);
    expect(shade(unit('region:a', 10), context()).complete).toBe(true);
  });

  it('fades what the legend’s filter leaves out', () => {
    const region = unit('region:a', 4, { p01: 60, p02: 40 });
    expect(shade(region, context({ filter: 'p01' })).fill).toBe('#2f6f9f');
    expect(shade(region, context({ filter: 'p02' })).fill).not.toBe('#2f6f9f');
  });

  it('follows fixed classes in the other modes', () => {
    expect(shade(unit('region:a', 5), context({ mode: 'reported' }))).toMatchObject({ key: '2' });
    expect(shade(unit('region:a', 5), context({ mode: 'turnout' }))).toMatchObject({ key: '3' });
  });
});

describe('classes', () => {
  it('begin at their lower bound', () => {
    expect([0, 24.9, 25, 99.9, 100].map((value) => classOf(value, REPORTED_BREAKS))).toEqual([0, 0, 1, 3, 4]);
  });
});

describe('circles', () => {
  it('have areas in proportion to voters', () => {
    const small = circleRadius(100, 1000, 800, 600);
    expect(circleRadius(400, 1000, 800, 600)).toBeCloseTo(2 * small);
    expect(circleRadius(100, 0, 800, 600)).toBe(0);
  });
});

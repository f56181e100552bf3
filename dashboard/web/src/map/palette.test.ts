import { describe, expect, it } from 'vitest';
import { independent } from '../election/election';
import type { Contest, Option } from '../feed/types';
import { chroma, distance, fullDistance, mix, parseHex } from './colour';
import { electionColours, NEUTRAL, readable } from './palette';

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
const candidate = (number: number, color: string | null, party: string | null): Option => ({
  ...option(number, color, 'candidate'),
  id: `c${number}`,
  party,
});
const list = (options: Option[]) => ({ id: 'list', of: 'list', scope: 'country', options }) as Contest;
const district = (number: number, options: Option[]) =>
  ({ id: `single:${number}`, of: 'single', scope: 'district', unit: `district:${number}`, options }) as Contest;
const ofList = (options: Option[]) => electionColours([list(options)]).ballots.get('list') ?? new Map<string, string>();

describe('the colours of a list', () => {
  it('are those of the election files', () => {
    expect([...ofList([option(1, '#2f6f9f'), option(2, '#c8553d')]).values()]).toEqual(['#2f6f9f', '#c8553d']);
  });

  it('are replaced where two cannot be told apart, the earlier one standing', () => {
    const colours = ofList([option(2, '#2f6f9e'), option(1, '#2f6f9f')]);
    expect(colours.get('p1')).toBe('#2f6f9f');
    expect(distance(colours.get('p2') ?? '', '#2f6f9f')).toBeGreaterThan(0.03);
  });

  it('tell red from green for a reader with deuteranopia', () => {
    expect(distance('#2f6f9f', '#c8553d')).toBeGreaterThan(0.1);
    // Alike to such a reader, however unlike to others: one of the two is replaced.
    const colours = ofList([option(1, '#8f8f2f'), option(2, '#b0832f')]);
    expect(distance(colours.get('p1') ?? '', colours.get('p2') ?? '')).toBeGreaterThanOrEqual(0.03);
  });

  it('are neutral for "against all" and beyond what a palette holds', () => {
    const many = Array.from({ length: 16 }, (_, i) => option(i + 1, null));
    const colours = ofList([...many, option(17, '#2f6f9f', 'against_all')]);
    expect(colours.get('p17')).toBe(NEUTRAL);
    expect(colours.get('p16')).toBe(NEUTRAL);
    expect(new Set(many.slice(0, 12).map(({ id }) => colours.get(id))).size).toBe(12);
  });

  it('are replaced by none that looks like another party’s', () => {
    const colours = ofList([option(1, '#1f5fa8'), option(2, '#1f5fa9')]);
    expect(fullDistance(colours.get('p1') ?? '', colours.get('p2') ?? '')).toBeGreaterThan(0.06);
  });

  it('are never a grey, which would look like a unit without figures', () => {
    for (const colour of ofList([option(1, '#7f8791'), option(2, '#9aa3a0'), option(3, null)]).values()) {
      expect(chroma(colour)).toBeGreaterThan(0.02);
    }
  });
});

describe('the colours of an election', () => {
  const parties = [option(1, '#1f5fa8'), option(2, '#aeb8a2'), option(3, '#c2b48f'), option(4, '#8c9bb0')];
  const contests = [
    district(1, [candidate(1, '#7d858c', null), candidate(2, '#8c9bb0', 'p4'), candidate(3, null, 'p2')]),
    district(2, [candidate(1, '#aeb8a2', 'p2'), candidate(2, '#1f5fa8', null), candidate(3, null, 'p4')]),
    district(3, [candidate(1, '#8c9bb0', 'p4'), candidate(2, null, null), option(3, null, 'against_all')]),
    list(parties),
  ];
  const colours = electionColours(contests);

  it('give one key of the legend one fill on every ballot', () => {
    const fills = new Map<string, Set<string>>();
    for (const contest of contests) {
      for (const each of contest.options) {
        if (each.kind === 'against_all') continue;
        const key = independent(contest, each.id) ? 'independents' : (each.party ?? each.id);
        const own = colours.ballots.get(contest.id)?.get(each.id) ?? '';
        fills.set(key, (fills.get(key) ?? new Set()).add(key === 'independents' ? colours.independent : own));
      }
    }
    expect([...fills.keys()].sort()).toEqual(['independents', 'p1', 'p2', 'p3', 'p4']);
    for (const fill of fills.values()) expect(fill.size).toBe(1);
    expect(new Set([...fills.values()].flatMap((fill) => [...fill])).size).toBe(fills.size);
  });

  it('never give a candidate without a party the colour of one', () => {
    const ofParties = new Set(colours.ballots.get('list')?.values());
    for (const contest of contests) {
      for (const { id, kind, party } of contest.options) {
        if (kind !== 'candidate' || party !== null) continue;
        expect(ofParties.has(colours.ballots.get(contest.id)?.get(id) ?? '')).toBe(false);
      }
    }
  });
});

describe('colour', () => {
  it('refuses what is no colour', () => {
    expect(parseHex('red')).toBeNull();
    expect(parseHex(null)).toBeNull();
    expect(mix('nonsense', '#ffffff', 0.5)).toBe('nonsense');
    expect(chroma('nonsense')).toBe(0);
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

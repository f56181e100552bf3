import { describe, expect, it } from 'vitest';
import { Election } from '../election/election';
import type { MissingPrecinct } from '../feed/lists';
import type { Definition, Place } from '../feed/types';
import { byRegion, differences, fits, grouped, regionOf } from './lists';

const election = new Election({
  contests: [],
  units: [
    { id: 'country', kind: 'country', parent: null, name: null },
    { id: 'region:osh', kind: 'region', parent: 'country', name: null },
    { id: 'raion:alay', kind: 'raion', parent: 'region:osh', name: null },
    { id: 'region:naryn', kind: 'region', parent: 'country', name: null },
    { id: 'abroad', kind: 'abroad', parent: 'country', name: null },
  ],
} as unknown as Definition);
const missing = (precinct: number, parent: string, registered: number) => ({ precinct, parent, registered }) as MissingPrecinct;

describe('the precincts still missing', () => {
  it('are counted by region, in the definition’s order, abroad last', () => {
    const list = [missing(9001, 'abroad', 10), missing(1, 'raion:alay', 500), missing(2, 'raion:alay', 700)];
    expect(byRegion(election, list)).toEqual([
      { id: 'region:osh', precincts: 2, registered: 1200 },
      { id: 'abroad', precincts: 1, registered: 10 },
    ]);
    expect(regionOf(election, 'region:naryn')).toBe('region:naryn');
  });

  it('are found by the start of their number, or by a word of their place in any spelling', () => {
    const place = { name: { ky: 'Гүлчө айылы', ru: 'село Гульча' }, address: 'Ленина 1' } as Place;
    expect(fits(5123, place, '51')).toBe(true);
    expect(fits(5123, place, '123')).toBe(false);
    expect(fits(5123, place, 'гулчо')).toBe(true);
    expect(fits(5123, place, 'ленин')).toBe(true);
    expect(fits(5123, undefined, 'ленин')).toBe(false);
    expect(fits(5123, undefined, ' ')).toBe(true);
  });
});

describe('what a correction changed', () => {
  it('is each figure that is not what it was, however deep, and nothing else', () => {
    const before = { list: { urns: { ballots: 120, invalid: 3, votes: { p01: 100, p02: 17 } } } };
    const after = { list: { urns: { ballots: 110, invalid: 3, votes: { p01: 90, p02: 17 } } } };
    expect(differences(before, after)).toEqual([
      { path: ['list', 'urns', 'ballots'], before: 120, after: 110 },
      { path: ['list', 'urns', 'votes', 'p01'], before: 100, after: 90 },
    ]);
    expect(differences(before, before)).toEqual([]);
  });

  it('is told by contest and source, with what says most first', () => {
    const urns = { precincts: 1, preferences: { p01: { '5': 3 } }, votes: { p01: 100 }, ballots: 120 };
    const before = { contests: { list: { urns } }, phase: 'reported', turnout: { registered: 900, identified: 400 } };
    const changes = grouped(differences(before, { phase: 'annulled' }));
    expect(changes.map(({ contest, source, changes }) => [contest, source, changes.map(({ path }) => path.join(' '))])).toEqual([
      [null, null, ['phase', 'turnout identified', 'turnout registered']],
      ['list', 'urns', ['ballots', 'votes p01', 'preferences p01 5', 'precincts']],
    ]);
    expect(grouped(differences('counted', 'annulled'))).toHaveLength(1);
  });

  it('is also a figure that came or went', () => {
    expect(differences(undefined, { ballots: 5 })).toEqual([{ path: ['ballots'], before: undefined, after: 5 }]);
    expect(differences({ ballots: 5 }, null)).toEqual([{ path: ['ballots'], before: 5, after: undefined }]);
    expect(differences('counted', 'annulled')).toEqual([{ path: [], before: 'counted', after: 'annulled' }]);
    expect(differences([1, 2], [1, 2])).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { Election } from '../election/election';
import { unit } from '../feed/testing';
import type { Contest, Definition, Unit } from '../feed/types';
import type { Page } from './page';
import { groupOf, reportedByAny, reportedIn } from './selection';

const list = { id: 'list', of: 'list', scope: 'country', unit: 'country', share_of: 'votes_cast', options: [] } as unknown as Contest;
const single = { ...list, id: 'single:1', of: 'single', scope: 'district', unit: 'district:1' } as Contest;
const election = new Election({
  contests: [list, single],
  units: [
    { id: 'country', kind: 'country', parent: null, name: null, by_hand: 2 },
    { id: 'region:osh', kind: 'region', parent: 'country', name: null, by_hand: 0 },
  ],
} as unknown as Definition);
const units = new Map<string, Unit>([
  ['country', unit('country', 8)],
  ['region:osh', unit('region:osh', 8)],
  ['precinct:7', { ...unit('precinct:7', 0, {}), precincts: 1, reported: { precincts: 1, registered: 100 } }],
]);
const page = {
  election,
  night: { unit: (id: string) => units.get(id) },
  places: { get: (id: string) => (id === 'precinct:7' ? { count: 'manual', districts: [] } : undefined) },
  route: { now: { source: 'urns', contest: null, unit: 'country' } },
} as unknown as Page;
const group = election.group(null);

describe('how much has reported', () => {
  it('is of the precincts with urns where urns are asked for, of all where protocols are', () => {
    expect(reportedIn(page, group, 'country')).toMatchObject({ precincts: 8, ofPrecincts: 8 });
    expect(reportedIn(page, group, 'country', 'protocols')).toMatchObject({ precincts: 0, ofPrecincts: 10 });
    expect(reportedIn(page, group, 'region:osh', 'urns')).toMatchObject({ precincts: 8, ofPrecincts: 10 });
  });

  it('is of every precinct where either source will do, those that count by hand among them', () => {
    expect(reportedByAny(page, group, 'country')).toEqual({ precincts: 8, ofPrecincts: 10 });
    expect(reportedByAny(page, group, 'precinct:7')).toEqual({ precincts: 1, ofPrecincts: 1 });
    expect(reportedByAny(page, group, 'region:unheard-of')).toEqual({ precincts: 0, ofPrecincts: 0 });
  });
});

describe('the contest in view', () => {
  const at = (unit: string, contest: string | null) => groupOf({ election, route: { now: { unit, contest } } } as unknown as Page)?.of;
  it('is what the address names, else what is voted in the unit of the address, else the first', () => {
    expect(at('country', null)).toBe('list');
    expect(at('country', 'single')).toBe('single');
    expect(at('district:1', null)).toBe('single');
    expect(at('region:osh', null)).toBe('list');
    expect(at('district:1', 'list')).toBe('list');
  });
});

import { describe, expect, it } from 'vitest';
import type { Contest, Definition, Place } from '../feed/types';
import { Election, precinctNumber, unitNumber } from './election';

const contest = (id: string, of: string, scope: Contest['scope'], unit: string) =>
  ({ id, of, scope, unit, options: [{ id: 'c01' }] }) as Contest;
const election = new Election({
  contests: [
    contest('list', 'list', 'country', 'country'),
    contest('single:1', 'single', 'district', 'district:1'),
    contest('single:2', 'single', 'district', 'district:2'),
  ],
  units: [
    { id: 'country', kind: 'country', parent: null, name: null },
    { id: 'region:osh', kind: 'region', parent: 'country', name: null },
    { id: 'raion:alay', kind: 'raion', parent: 'region:osh', name: null },
    { id: 'district:1', kind: 'district', parent: 'country', name: null },
  ],
} as unknown as Definition);
const place = { parent: 'raion:alay', districts: ['district:1'] } as Place;

describe('an election', () => {
  it('groups the districts’ contests into one tab', () => {
    expect(election.groups.map(({ of, contests }) => [of, contests.length])).toEqual([['list', 1], ['single', 2]]);
    expect(election.group('single')?.byUnit.get('district:2')?.id).toBe('single:2');
  });
  it('shows the first tab where the address names none that exists', () => {
    expect(election.group(null)?.of).toBe('list');
    expect(election.group('unheard-of')?.of).toBe('list');
  });
  it('is tiled by districts only in contests that have them', () => {
    expect(election.tiling(election.group('list'))).toBe('regions');
    expect(election.tiling(election.group('single'))).toBe('districts');
  });
  it('leads down to a precinct by either tiling', () => {
    const ids = (tiling: 'regions' | 'districts') =>
      election.path('precinct:1', tiling, place).map((unit) => unit.id);
    expect(ids('regions')).toEqual(['country', 'region:osh', 'raion:alay']);
    expect(ids('districts')).toEqual(['country', 'district:1']);
  });
  it('finds units, children and options', () => {
    expect(election.children('region:osh', 'raion').map(({ id }) => id)).toEqual(['raion:alay']);
    expect(election.option('list', 'c01')?.id).toBe('c01');
    expect(election.unit('region:nowhere')).toBeUndefined();
  });
  it('reads numbers out of ids', () => {
    expect(precinctNumber('precinct:5123')).toBe(5123);
    expect(precinctNumber('region:osh')).toBeNull();
    expect(unitNumber('district:12')).toBe('12');
    expect(unitNumber('raion:alay')).toBeNull();
  });
});

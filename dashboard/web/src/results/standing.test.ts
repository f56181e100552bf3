import { describe, expect, it } from 'vitest';
import { unit } from '../feed/testing';
import type { Contest, ContestCount, Option } from '../feed/types';
import { complete, leading, reportedOf, standing, thresholdIn } from './standing';

const option = (id: string, number: number, status: Option['status'] = 'active'): Option => ({
  id,
  number,
  kind: 'party',
  name: { ky: id, ru: id },
  color: null,
  sex: null,
  party: null,
  status,
});
const contest: Contest = {
  id: 'list',
  of: 'list',
  kind: 'proportional_open_list',
  scope: 'country',
  unit: 'country',
  name: { ky: 'l', ru: 'l' },
  seats: 54,
  threshold: { national: '5', regional: '0.5' },
  share_of: 'votes_cast',
  options: [option('p01', 1), option('p02', 2), option('p03', 3, 'withdrawn')],
};
const nothing = { precincts: 0, registered: 0, ballots: 0, invalid: 0, votes: {} };
const count = (votes: Record<string, number>, ballots: number, invalid = 0): ContestCount => ({
  precincts: 10,
  registered: 1000,
  urns: { precincts: 4, registered: 400, ballots, invalid, votes },
  protocols: nothing,
});

describe('the standing of a contest', () => {
  it('has the votes that the law leaves out in no share, and all shares together are no more than the whole', () => {
    const excluding: Contest = { ...contest, withdrawn_votes: 'excluded' };
    const votes = count({ p01: 300, p02: 200, p03: 500 }, 1010, 10);
    const stands = standing(excluding, votes, 'urns');
    if (stands.kind !== 'counted') throw new Error(stands.kind);
    expect(stands.denominator).toBe(510);
    const percents = Object.fromEntries(stands.rows.map((row) => [row.option.id, row.percent]));
    expect(percents['p03']).toBeNull();
    expect(percents['p01']).toBeCloseTo(58.82, 2);
    expect(stands.rows.reduce((sum, { percent }) => sum + (percent ?? 0), 0)).toBeLessThanOrEqual(100);
    expect(leading(excluding, votes, 'urns')).toMatchObject({ option: { id: 'p01' }, marginVotes: 100 });
    // Where they are valid, they count.
    const valid = standing({ ...contest, withdrawn_votes: 'valid' }, votes, 'urns');
    expect(valid.kind === 'counted' && valid.denominator).toBe(1010);
  });

  it('ranks by votes, then by the ballot', () => {
    const stands = standing(contest, count({ p01: 5, p02: 95 }, 100), 'urns');
    expect(stands.kind === 'counted' && stands.rows.map((row) => row.option.id)).toEqual(['p02', 'p01']);
    const tied = standing(contest, count({ p01: 50, p02: 50 }, 100), 'urns');
    expect(tied.kind === 'counted' && tied.rows.map((row) => row.option.id)).toEqual(['p01', 'p02']);
    expect(tied.kind === 'counted' && tied.leader?.tied).toBe(true);
  });

  it('takes percentages of all ballots or of valid ones, as the contest says', () => {
    const cast = standing(contest, count({ p01: 45, p02: 45 }, 100, 10), 'urns');
    expect(cast.kind === 'counted' && cast.rows[0]?.percent).toBe(45);
    const valid = standing({ ...contest, share_of: 'valid_votes' }, count({ p01: 45, p02: 45 }, 100, 10), 'urns');
    expect(valid.kind === 'counted' && valid.rows[0]?.percent).toBe(50);
  });

  it('puts exactly five percent above the threshold', () => {
    const national = thresholdIn(contest, { id: 'country', kind: 'country' });
    const stands = standing(contest, count({ p01: 5, p02: 4 }, 100, 91), 'urns', national);
    expect(stands.kind === 'counted' && stands.rows.map((row) => row.belowThreshold)).toEqual([false, true]);
  });

  it('parts nobody by the national threshold in a part of the country', () => {
    expect(thresholdIn(contest, { id: 'raion:alay', kind: 'raion' })).toBeNull();
    expect(thresholdIn(contest, { id: 'precinct:1', kind: 'precinct' })).toBeNull();
    const regional = thresholdIn(contest, { id: 'region:osh', kind: 'region' });
    expect(regional).toEqual({ percent: 0.5, decides: false });
    const stands = standing(contest, count({ p01: 99.8, p02: 0.2 }, 100), 'urns', regional);
    expect(stands.kind === 'counted' && stands.rows.some((row) => row.belowThreshold)).toBe(false);
  });

  it('measures a district’s contest by its own threshold in its district', () => {
    const council = { ...contest, scope: 'district', unit: 'district:3', threshold: { national: '7' } } as Contest;
    expect(thresholdIn(council, { id: 'district:3', kind: 'district' })).toEqual({ percent: 7, decides: true });
    expect(thresholdIn(council, { id: 'country', kind: 'country' })).toBeNull();
  });

  it('lets “against all” neither pass nor fail, and puts it last beside those that do', () => {
    const against: Option = { ...option('none', 4), kind: 'against_all' };
    const withIt = { ...contest, options: [...contest.options, against] };
    const figures = count({ p01: 60, p02: 3, none: 30 }, 100);
    const stands = standing(withIt, figures, 'urns', thresholdIn(withIt, { id: 'country', kind: 'country' }));
    const rows = stands.kind === 'counted' ? stands.rows : [];
    expect(rows.map((row) => [row.option.id, row.belowThreshold])).toEqual([['p01', false], ['p02', true], ['none', false]]);
    expect(stands.kind === 'counted' && stands.leader?.margin).toBe(30);
    const plain = standing(withIt, figures, 'urns');
    expect(plain.kind === 'counted' && plain.rows.map((row) => row.option.id)).toEqual(['p01', 'none', 'p02']);
  });

  it('shows votes for a withdrawn option, and hides it without any', () => {
    const with0 = standing(contest, count({ p01: 5 }, 100), 'urns');
    expect(with0.kind === 'counted' && with0.rows).toHaveLength(2);
    const with1 = standing(contest, count({ p01: 5, p03: 1 }, 100), 'urns');
    expect(with1.kind === 'counted' && with1.rows).toHaveLength(3);
  });

  it('knows no votes while they may not be published, but what has reported', () => {
    const held = { ...count({}, 0), urns: { precincts: 4, registered: 400 } };
    expect(standing(contest, held, 'urns')).toEqual({
      kind: 'embargoed',
      reported: { precincts: 4, ofPrecincts: 10, registered: 400, ofRegistered: 1000 },
    });
    expect(leading(contest, held, 'urns')).toBeNull();
  });

  it('never mixes the sources', () => {
    expect(standing(contest, count({ p01: 5 }, 100), 'protocols').kind).toBe('nothing');
  });

  it('finds the leader as the ranking does', () => {
    const figures = count({ p01: 30, p02: 45 }, 100);
    const stands = standing(contest, figures, 'urns');
    expect(leading(contest, figures, 'urns')).toEqual(stands.kind === 'counted' && stands.leader);
    expect(leading(contest, figures, 'urns')?.margin).toBe(15);
  });

  it('takes a precinct that counts by hand for reported when its protocol is in', () => {
    const precinct = { ...unit('precinct:1', 0, {}), precincts: 1, reported: { precincts: 1, registered: 100 } };
    expect(reportedOf(precinct, contest)).toEqual({ precincts: 1, ofPrecincts: 1 });
  });

  it('counts a district’s contest by its own figures of both sources, never twice', () => {
    const single = { ...contest, id: 'single:1', scope: 'district', unit: 'district:1' } as Contest;
    const district = unit('district:1', 0, {});
    district.reported.precincts = 0;
    district.contests = { 'single:1': { ...count({ c01: 5 }, 5), protocols: { ...nothing, precincts: 7 } } };
    expect(reportedOf(district, single)).toEqual({ precincts: 7, ofPrecincts: 10 });
    expect(reportedOf({ ...district, contests: {} }, single)).toEqual({ precincts: 0, ofPrecincts: 0 });
  });

  it('is complete when every precinct is in, and not where there is none', () => {
    expect(complete(10, 10)).toBe(true);
    expect(complete(9, 10)).toBe(false);
    expect(complete(0, 0)).toBe(false);
  });
});

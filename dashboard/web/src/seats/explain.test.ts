import { describe, expect, it } from 'vitest';
import type { Allocation, SeatsOfOption } from '../feed/allocation';
import type { Contest, Option } from '../feed/types';
import { blocks, capped, lotsToDraw, passedOver, quotaRows, seatRows, thresholds, unfilled } from './explain';

/** The list result of 28 November 2021 as announced: votes and seats. */
const ANNOUNCED: [string, number, number][] = [
  ['p1', 222_005, 15],
  ['p2', 174_470, 12],
  ['p3', 141_009, 9],
  ['p4', 106_955, 7],
  ['p5', 90_223, 6],
  ['p6', 79_025, 5],
];
const SEATS = 54;
const TOTAL = ANNOUNCED.reduce((sum, [, votes]) => sum + votes, 0);

const seatsOf = (option: string, votes: number, seats: number, change: Partial<SeatsOfOption> = {}): SeatsOfOption => ({
  option,
  votes,
  share: { numerator: votes, denominator: TOTAL },
  standing: 'in',
  thresholds: [],
  seats,
  seats_least: seats,
  seats_most: seats,
  decided: true,
  remainder: { numerator: Number((BigInt(votes) * BigInt(SEATS)) % BigInt(TOTAL)), denominator: SEATS },
  votes_to_next_seat: null,
  second_round: false,
  elected: [],
  ...change,
});
const option = (id: string, number: number, change: Partial<Option> = {}): Option => ({
  id,
  number,
  kind: 'party',
  name: { ky: id, ru: id },
  color: null,
  sex: null,
  party: null,
  status: 'active',
  ...change,
});
const contest = {
  id: 'list',
  unit: 'country',
  options: ANNOUNCED.map(([id], at) => option(id, ANNOUNCED.length - at)),
} as unknown as Contest;
const allocation = (change: Partial<Allocation> = {}): Allocation =>
  ({
    seats: SEATS,
    seat_cap: null,
    rules: { max_one_sex: null, women_share: null },
    quota: { numerator: TOTAL, denominator: SEATS },
    options: ANNOUNCED.map(([id, votes, seats]) => seatsOf(id, votes, seats)),
    ties: [],
    ...change,
  }) as Allocation;

describe('the explanation of seats', () => {
  it('adds up for the result of 2021: whole quotas, remainders, and one seat for each of the largest', () => {
    const rows = quotaRows(allocation(), seatRows(contest, allocation()));
    expect(rows.map(({ row, whole, byRemainder }) => [row.option, whole, byRemainder])).toEqual([
      ['p1', 14, true],
      ['p2', 11, true],
      ['p3', 9, false],
      ['p4', 7, false],
      ['p5', 5, true],
      ['p6', 5, false],
    ]);
    for (const { row, whole, remainder } of rows) expect(whole * (TOTAL / SEATS) + remainder).toBeCloseTo(row.votes, 3);
    const given = rows.filter(({ byRemainder }) => byRemainder).map(({ remainder }) => remainder);
    const without = rows.filter(({ byRemainder }) => !byRemainder).map(({ remainder }) => remainder);
    expect(Math.min(...given)).toBeGreaterThan(Math.max(...without));
    expect(capped(allocation(), rows)).toBe(false);
  });

  it('orders by seats, then votes, then the ballot, and leaves out options it has no name for', () => {
    const odd = allocation({ options: [seatsOf('p6', 5, 0), seatsOf('p1', 5, 0), seatsOf('gone', 9, 9), seatsOf('p2', 1, 1)] });
    expect(seatRows(contest, odd).map((row) => row.option)).toEqual(['p2', 'p6', 'p1']);
  });

  it('tells a place that cannot be lost from one that may change', () => {
    const open = allocation({ options: [seatsOf('p1', 10, 3, { seats_least: 2, seats_most: 5, decided: false })] });
    expect(blocks(seatRows(contest, open))[0]?.kinds).toEqual(['certain', 'certain', 'open']);
  });

  it('keeps places that hang on lots apart from places that are vacant', () => {
    const tied = allocation({
      options: [seatsOf('p1', 10, 50)],
      ties: [
        { place: 'seats', list: null, options: ['p1', 'p2'], numbers: [], seats: 1 },
        { place: 'list', list: 'p1', options: [], numbers: [4, 5], seats: 1 },
      ],
    });
    expect(unfilled(tied)).toEqual({ lots: 1, vacant: 3 });
    expect(unfilled(allocation())).toEqual({ lots: 0, vacant: 0 });
  });

  it('speaks of equal preference votes only when no ballot is still to come', () => {
    const ties = [
      { place: 'seats', list: null, options: ['p1', 'p2'], numbers: [], seats: 1 },
      { place: 'list', list: 'p1', options: [], numbers: [4, 5], seats: 1 },
    ] as Allocation['ties'];
    const places = (outstanding: number | null) =>
      lotsToDraw(allocation({ ties, reported: { outstanding } as Allocation['reported'] })).map(({ place }) => place);
    expect(places(100)).toEqual(['seats']);
    expect(places(null)).toEqual(['seats']);
    expect(places(0)).toEqual(['seats', 'list']);
  });

  it('says when a cap has moved seats', () => {
    const held = allocation({ seat_cap: 13, options: ANNOUNCED.map(([id, votes, seats]) => seatsOf(id, votes, Math.min(13, seats))) });
    expect(capped(held, quotaRows(held, seatRows(contest, held)))).toBe(true);
  });

  it('has no quota for divisor methods', () => {
    expect(quotaRows(allocation({ quota: null }), seatRows(contest, allocation()))).toEqual([]);
  });

  it('parts the national threshold from the regions’, and names the regions missed', () => {
    const hurdle = (unit: string, met: boolean) => ({
      unit,
      needs: { numerator: 50, denominator: 10_000 },
      has: { numerator: met ? 1 : 0, denominator: 100 },
      met,
      short: met ? 0 : 1,
      spare: 0,
      decided: false,
    });
    const one = seatsOf('p1', 1, 0, { thresholds: [hurdle('country', true), hurdle('region:osh', false), hurdle('region:chui', true)] });
    const of = thresholds(contest, one);
    expect(of.national?.met).toBe(true);
    expect(of.regions).toMatchObject({ met: 1, all: 2 });
    expect(of.regions?.missed.map(({ unit }) => unit)).toEqual(['region:osh']);
    expect(thresholds(contest, seatsOf('p1', 1, 0))).toEqual({ national: null, regions: null });
  });

  it('names those whom the rule of the sexes passed over, and nobody where there is no such rule', () => {
    const district = { ...contest, options: ['a', 'b', 'c', 'd'].map((id, at) => option(id, at + 1)) } as Contest;
    const three = allocation({
      seats: 3,
      quota: null,
      rules: { max_one_sex: 2, women_share: null },
      options: [seatsOf('a', 4330, 1), seatsOf('b', 1951, 1), seatsOf('c', 900, 0), seatsOf('d', 294, 1)],
    });
    expect(passedOver(three, seatRows(district, three)).map((row) => row.option)).toEqual(['c']);
    const free = { ...three, rules: { max_one_sex: null, women_share: null } };
    expect(passedOver(free, seatRows(district, free))).toEqual([]);
  });
});

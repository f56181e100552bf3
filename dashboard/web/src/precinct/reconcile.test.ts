import { describe, expect, it } from 'vitest';
import type { Contest, Count, Discrepancy, ObserversCopy, Option, Place, Unit } from '../feed/types';
import { lines, reconcile, type SourceName } from './reconcile';

const option = (id: string, status: Option['status'] = 'active') => ({ id, number: 1, kind: 'party', name: { ky: id, ru: id }, status }) as Option;
const contest = { id: 'list', options: [option('p01'), option('p02'), option('p03', 'withdrawn')] } as Contest;
const place = { count: 'urn' } as Place;
const NOTHING: Count = { precincts: 0, registered: 0, ballots: 0, invalid: 0, votes: {} };
const counted = (p01: number, p02: number, invalid: number): Count => ({
  precincts: 1,
  registered: 900,
  ballots: p01 + p02 + invalid,
  invalid,
  votes: { p01, p02 },
});
const precinct = (identified: number | null, urns: Count, protocols: Count) =>
  ({
    turnout: { identified: identified ?? 0, precincts: identified === null ? 0 : 1, registered: 900 },
    contests: { list: { precincts: 1, registered: 900, urns, protocols } },
  }) as unknown as Unit;
const flag = (code: string, change: Partial<Discrepancy> = {}): Discrepancy => ({ code, device: null, contest: 'list', since: '', ...change });

const copy = (p01: number, p02: number, invalid: number): ObserversCopy => ({
  holder: 'Observers’ union',
  ballots: p01 + p02 + invalid,
  invalid,
  votes: { p01, p02 },
});

function agreements(unit: Unit, flags: Discrepancy[] = [], at: Place = place, copies: ObserversCopy[] = []) {
  return Object.fromEntries(reconcile(unit, contest, at, flags, copies).map((row) => [row.source, row.agreement])) as Record<SourceName, { kind: string }>;
}

describe('the sources of a precinct', () => {
  it('all agree when every count is the same', () => {
    const unit = precinct(400, counted(200, 190, 10), counted(200, 190, 10));
    expect(agreements(unit, [], place, [copy(200, 190, 10)])).toEqual({
      identified: { kind: 'base' },
      urns: { kind: 'agrees', with: 'identified' },
      protocol: { kind: 'agrees', with: 'urns' },
      observers: { kind: 'agrees', with: 'protocol' },
    });
    expect(reconcile(unit, contest, place, [])[1]).toMatchObject({ total: 400, valid: 390, invalid: 10 });
  });

  it('may differ a little, and break a rule where it is too much or too many', () => {
    expect(agreements(precinct(405, counted(200, 190, 10), NOTHING)).urns).toEqual({ kind: 'within', with: 'identified', by: 5 });
    const fewer = precinct(500, counted(200, 190, 10), NOTHING);
    expect(agreements(fewer, [flag('W02')]).urns).toEqual({ kind: 'differs', with: 'identified', by: 100, lines: 0 });
    expect(agreements(precinct(399, counted(200, 190, 10), NOTHING)).urns.kind).toBe('differs');
    const [, urns] = reconcile(fewer, contest, place, [flag('W02'), flag('W11'), flag('W02', { device: 'u-1' }), flag('W07')]);
    expect(urns?.codes).toEqual(['W02', 'W11']);
  });

  it('are compared line by line where both count votes: equal totals are not enough', () => {
    const unit = precinct(400, counted(200, 190, 10), counted(201, 189, 10));
    expect(agreements(unit).protocol).toEqual({ kind: 'differs', with: 'urns', by: 0, lines: 2 });
    expect(lines(unit, contest).map(({ option, urns, protocol }) => [option?.id ?? null, urns, protocol])).toEqual([
      ['p01', 200, 201],
      ['p02', 190, 189],
      [null, 10, 10],
    ]);
  });

  it('has a row for each copy that observers hold, and names the rule where one differs', () => {
    const unit = precinct(400, counted(200, 190, 10), counted(200, 190, 10));
    const copies = [copy(200, 190, 10), { ...copy(201, 189, 10), holder: 'Party' }];
    const rows = reconcile(unit, contest, place, [flag('W13')], copies).slice(3);
    expect(rows.map(({ holder, agreement, codes }) => [holder, agreement.kind, codes])).toEqual([
      ['Observers’ union', 'agrees', []],
      ['Party', 'differs', ['W13']],
    ]);
    const early = precinct(400, counted(200, 190, 10), NOTHING);
    expect(reconcile(early, contest, place, [], copies)[4]?.agreement).toEqual({ kind: 'differs', with: 'urns', by: 0, lines: 2 });
  });

  it('are compared with the identified voters where there are no urns', () => {
    const unit = precinct(400, NOTHING, counted(200, 190, 10));
    expect(agreements(unit, [], { count: 'manual' } as Place)).toMatchObject({
      urns: { kind: 'byHand' },
      protocol: { kind: 'agrees', with: 'identified' },
    });
    expect(lines(unit, contest)).toEqual([]);
  });

  it('are not said to differ before they are in, whole, and published', () => {
    expect(agreements(precinct(null, NOTHING, NOTHING))).toEqual({
      identified: { kind: 'waiting' },
      urns: { kind: 'waiting' },
      protocol: { kind: 'waiting' },
      observers: { kind: 'none' },
    });
    const half = { ...counted(90, 80, 5), precincts: 0 };
    expect(agreements(precinct(400, half, NOTHING)).urns).toEqual({ kind: 'partial' });
    expect(agreements(precinct(null, counted(1, 1, 1), NOTHING)).urns).toEqual({ kind: 'partial' });
    const held = { precincts: 1, registered: 900 };
    const embargoed = reconcile(precinct(400, held, held), contest, place, []);
    expect(embargoed.map(({ agreement, total }) => [agreement.kind, total])).toEqual([
      ['base', 400],
      ['embargo', null],
      ['embargo', null],
      ['none', null],
    ]);
  });

  it('have nothing to do with another contest’s discrepancies', () => {
    const unit = precinct(500, counted(200, 190, 10), NOTHING);
    const other = [flag('W02', { contest: 'single:1' }), flag('W11', { contest: 'single:1' })];
    expect(reconcile(unit, contest, place, other)[1]?.codes).toEqual([]);
    expect(agreements(unit, other).urns.kind).toBe('within');
  });
});

import { describe, expect, it } from 'vitest';
import type { QuarantinedReport } from '../feed/lists';
import { choiceOf, codesOf } from './quarantine';

const report = (offset: number, precinct: number, ...codes: string[]) => ({ offset, precinct, codes }) as QuarantinedReport;
const KEPT = [report(10, 1, 'Q01'), report(11, 1, 'Q01', 'Q07'), report(12, 2, 'Q04'), report(13, 3, 'Q04')];
const offsets = (of: QuarantinedReport[]) => of.map(({ offset }) => offset);

describe('what is chosen of the reports kept back', () => {
  it('is decided about where it is in view, and never where the filter hides it', () => {
    const chosen = new Set([10, 12, 13]);
    const all = choiceOf(KEPT, null, chosen);
    expect([offsets(all.inView), offsets(all.selected), all.hidden, all.precincts]).toEqual([[10, 11, 12, 13], [10, 12, 13], 0, [1, 2, 3]]);
    const some = choiceOf(KEPT, 'Q01', chosen);
    expect([offsets(some.inView), offsets(some.selected), some.hidden, some.precincts, some.rules]).toEqual([[10, 11], [10], 2, [1], [['Q01', 1]]]);
    const none = choiceOf(KEPT, 'Q07', chosen);
    expect([offsets(none.selected), none.hidden]).toEqual([[], 3]);
  });

  it('loses what is no longer kept back, and does not count it as hidden', () => {
    const { selected, hidden } = choiceOf(KEPT.slice(1), null, new Set([10, 12]));
    expect([offsets(selected), hidden]).toEqual([[12], 0]);
  });

  it('cannot be counted where figures do not add up', () => {
    expect([[11], [12], [11, 12], []].map((chosen) => choiceOf(KEPT, null, new Set(chosen)).unsound)).toEqual([true, false, true, false]);
    // What is hidden is nothing to judge by.
    expect(choiceOf(KEPT, 'Q04', new Set([11, 12])).unsound).toBe(false);
  });

  it('is told by rule', () => {
    expect(codesOf(KEPT)).toEqual(['Q01', 'Q04', 'Q07']);
    expect(choiceOf(KEPT, null, new Set([10, 11, 12])).rules).toEqual([['Q01', 2], ['Q04', 1], ['Q07', 1]]);
  });
});

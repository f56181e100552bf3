import { describe, expect, it } from 'vitest';
import type { Contest } from '../feed/types';
import { formOf, LINES, paperOf, unbalanced, whole, type Paper } from './protocol';

const CONTEST = {
  id: 'list',
  options: [
    { id: 'p01', candidates: [{ number: 1 }, { number: 5 }] },
    { id: 'p02', candidates: [] },
  ],
} as unknown as Contest;

function typed(): Paper {
  const paper = paperOf(CONTEST);
  Object.assign(paper.lines, { received: 500, issued: 420, cancelled: 80, portable: 10, ballots: 418, invalid: 8, valid: 410 });
  Object.assign(paper.votes, { p01: 300, p02: 110 });
  return paper;
}

describe('a protocol that is typed', () => {
  it('is whole when every line is', () => {
    expect(whole(paperOf(CONTEST))).toBe(false);
    expect([whole(typed()), unbalanced(typed())]).toEqual([true, []]);
    for (const line of LINES) expect(whole({ ...typed(), lines: { ...typed().lines, [line]: null } })).toBe(false);
    expect(whole({ ...typed(), votes: { p01: 300, p02: null } })).toBe(false);
  });

  it('says which of its sums does not hold, and none before all of its lines are there', () => {
    expect(unbalanced(paperOf(CONTEST))).toEqual([]);
    for (const [line, broken] of [['issued', 'issued'], ['received', 'issued'], ['ballots', 'valid'], ['invalid', 'valid']] as const) {
      const paper = typed();
      paper.lines[line] = 1;
      expect(unbalanced(paper)).toEqual([broken]);
      paper.lines[line] = null;
      expect(unbalanced(paper)).toEqual([]);
    }
    const paper = typed();
    paper.votes['p02'] = 111;
    expect(unbalanced(paper)).toEqual(['votes']);
  });

  it('goes out as the service takes it, with the numbers that were marked', () => {
    const paper = typed();
    const lines = { received: 500, issued: 420, cancelled: 80, portable: 10, ballots: 418, invalid: 8, valid: 410 };
    expect(formOf(paper)).toEqual({ contest: 'list', ...lines, votes: { p01: 300, p02: 110 } });
    Object.assign(paper.preferences['p01'] ?? {}, { 1: 0, 5: 40 });
    expect(formOf(paper)).toEqual({ contest: 'list', ...lines, votes: { p01: 300, p02: 110 }, preferences: { p01: { 5: 40 } } });
  });
});

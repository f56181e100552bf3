import { expect, it } from 'vitest';
import type { Contest } from '../feed/types';
import { differences, emptied, sentOf, tallyOf, unsound, whole } from './tally';

const CONTEST = { id: 'list', options: [{ id: 'p01', candidates: [{ number: 1 }, { number: 5 }] }, { id: 'p02' }] } as unknown as Contest;
const STANDS = { ballots: 100, invalid: 10, votes: { p01: 60, p02: 30 }, preferences: { p01: { '5': 20 } } };

it('begins with what stands there, or with nothing', () => {
  expect([whole(tallyOf(CONTEST, null)), unsound(tallyOf(CONTEST, null))]).toEqual([false, []]);
  const tally = tallyOf(CONTEST, STANDS);
  expect([whole(tally), unsound(tally)]).toEqual([true, []]);
  expect(sentOf(tally)).toEqual({ contest: 'list', ...STANDS, preferences: { p01: { 5: 20 } } });
});

it('says which sum does not hold', () => {
  const tally = tallyOf(CONTEST, STANDS);
  tally.votes['p01'] = 50;
  expect(unsound(tally)).toEqual(['sum']);
  tally.ballots = 90;
  expect(unsound(tally)).toEqual([]);
  (tally.preferences['p01'] ?? {})[1] = 31;
  expect(unsound(tally)).toEqual(['preferences']);
  tally.invalid = null;
  expect(whole(tally)).toBe(false);
});

it('names every line that is other than before, and no other', () => {
  const [now, then] = [tallyOf(CONTEST, STANDS), tallyOf(CONTEST, STANDS)];
  expect(differences(now, then)).toEqual([]);
  Object.assign(then, { ballots: 101, invalid: 9 });
  then.votes['p02'] = 32;
  (then.preferences['p01'] ?? {})[5] = null;
  expect(differences(now, then)).toEqual([
    { line: 'ballots', now: 100, then: 101 },
    { line: { option: 'p02' }, now: 30, then: 32 },
    { line: 'invalid', now: 10, then: 9 },
    { line: { option: 'p01', number: 5 }, now: 20, then: 0 },
  ]);
});

it('names the lists of which preference votes are not known and become nought', () => {
  const { preferences: _, ...votesAlone } = STANDS;
  const tally = tallyOf(CONTEST, votesAlone);
  expect(emptied(votesAlone, tally)).toEqual([{ list: 'p01', empty: 2 }]);
  // What is typed does not become nought, nought included.
  Object.assign(tally.preferences['p01'] ?? {}, { 1: 0 });
  expect(emptied(votesAlone, tally)).toEqual([{ list: 'p01', empty: 1 }]);
  Object.assign(tally.preferences['p01'] ?? {}, { 5: 20 });
  expect(emptied(votesAlone, tally)).toEqual([]);
  // Without votes for the list nobody can have marked a number on it.
  const none = { ...votesAlone, votes: { p01: 0, p02: 90 } };
  expect(emptied(none, tallyOf(CONTEST, none))).toEqual([]);
  expect(emptied(STANDS, tallyOf(CONTEST, STANDS))).toEqual([]);
});

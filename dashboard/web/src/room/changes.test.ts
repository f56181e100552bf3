import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { unit } from '../feed/testing';
import { changes, figuresOf, look, lookAfter } from './changes';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('says what is other than before, figure by figure', () => {
  const before = new Map([['country', figuresOf(unit('country', 3))], ['region:osh', figuresOf(unit('region:osh', 1))]]);
  const after = new Map([['country', figuresOf({ ...unit('country', 3, { p01: 12 }), phase: 'certified' })], ['region:osh', figuresOf(unit('region:osh', 1))]]);
  expect(changes(before, before)).toEqual([]);
  expect(changes(before, after)).toEqual([
    { unit: 'country', figure: 'phase', before: 'counting', after: 'certified' },
    { unit: 'country', figure: 'urns', before: 10, after: 12 },
  ]);
});

it('waits until what was decided is published, but not for ever', async () => {
  let votes = 10;
  let asked = 0;
  const read = async () => {
    asked += 1;
    return { unit: unit('country', 3, { p01: votes }) };
  };
  const before = await look('/e', ['country'], read);
  const found = lookAfter('/e', before, read);
  await vi.advanceTimersByTimeAsync(700);
  votes = 15;
  await vi.advanceTimersByTimeAsync(300);
  expect(await found).toEqual([{ unit: 'country', figure: 'urns', before: 10, after: 15 }]);
  const nothing = lookAfter('/e', await look('/e', ['country'], read), read);
  asked = 0;
  await vi.advanceTimersByTimeAsync(60_000);
  expect([await nothing, asked]).toEqual([[], 12]);
});

it('looks at twenty units of many', async () => {
  const read = async (url: string) => ({ unit: unit(url.split('/').at(-1) ?? '', 1) });
  expect((await look('/e', Array.from({ length: 30 }, (_, at) => `precinct:${at}`), read)).size).toBe(20);
});

import { expect, it } from 'vitest';
import { backoff } from './backoff';

it('doubles from half a second and never exceeds thirty', () => {
  expect([0, 1, 2, 6, 50].map((failures) => backoff(failures, () => 1))).toEqual([500, 1000, 2000, 30_000, 30_000]);
});

it('spreads readers over half of the wait', () => {
  expect(backoff(3, () => 0)).toBe(2000);
  expect(backoff(3, () => 0.5)).toBe(3000);
});

import { expect, it } from 'vitest';
import { rowAfter } from './rows';

it('goes down with j and up with k, into the list from its head, and not past its ends', () => {
  expect([-1, 0, 1, 2].map((at) => rowAfter('KeyJ', at, 3))).toEqual([0, 1, 2, 2]);
  expect([-1, 0, 1, 2].map((at) => rowAfter('KeyK', at, 3))).toEqual([0, 0, 0, 1]);
});

it('means nothing by any other key, nor in an empty list', () => {
  expect(['KeyX', 'Enter', 'ArrowDown', ''].map((code) => rowAfter(code, 1, 3))).toEqual([null, null, null, null]);
  expect(rowAfter('KeyJ', -1, 0)).toBeNull();
});

import { expect, it } from 'vitest';
import type { Contest } from '../feed/types';
import { onBallots } from './people';

it('finds parties, those on their lists, and candidates of districts, and nobody called against all', () => {
  const name = (ky: string) => ({ ky, ru: ky });
  const found = onBallots([
    {
      id: 'list',
      options: [
        { id: 'p01', kind: 'party', name: name('Тынч Суу'), candidates: [{ number: 3, name: name('Асанова') }] },
        { id: 'none', kind: 'against_all', name: name('Баарына каршы') },
      ],
    },
    { id: 'single:12', options: [{ id: 'c02', kind: 'candidate', name: name('Усенов') }] },
  ] as unknown as Contest[]);
  expect([...found.values()].map(({ id, name, place }) => [id, name.ky, place])).toEqual([
    ['on:list/p01', 'Тынч Суу', null],
    ['on:list/p01/3', 'Асанова', 3],
    ['on:single:12/c02', 'Усенов', null],
  ]);
});

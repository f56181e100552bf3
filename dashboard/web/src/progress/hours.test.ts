import { describe, expect, it } from 'vitest';
import type { History } from '../feed/types';
import { atHours, officialHours } from './hours';

const day = { polls_open: '2026-10-04T02:00:00Z', polls_close: '2026-10-04T14:00:00Z' };
const clock = (ms: number) => new Date(ms).toISOString().slice(11, 16);

describe('turnout at the official hours', () => {
  it('is announced every two hours, and when polls close', () => {
    expect(officialHours(day).map(clock)).toEqual(['04:00', '06:00', '08:00', '10:00', '12:00', '14:00']);
    const short = { ...day, polls_close: '2026-10-04T07:30:00Z' };
    expect(officialHours(short).map(clock)).toEqual(['04:00', '06:00', '07:30']);
    expect(officialHours({ ...day, polls_close: day.polls_open })).toEqual([]);
  });

  it('is what was known by then, never what came later', () => {
    const points = ['03:50', '04:00', '04:10', '06:30'].map((at, i) => ({ at: `2026-10-04T${at}:00Z`, identified: 100 * (i + 1) }));
    const history = { points } as unknown as History;
    const rows = atHours(history, officialHours(day), Date.parse('2026-10-04T08:00:00Z'));
    expect(rows.map(({ point }) => point?.identified ?? null)).toEqual([200, 300, 400, null, null, null]);
    expect(atHours(null, officialHours(day), Infinity).every(({ point }) => point === null)).toBe(true);
  });
});

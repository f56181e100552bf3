import { describe, expect, it } from 'vitest';
import { header, unit } from '../feed/testing';
import type { Definition, History } from '../feed/types';
import { curveData, endingIn, livePoint, refreshMs } from './points';

const definition = { polls_open: '2026-10-04T02:00:00Z', polls_close: '2026-10-04T14:00:00Z' } as Definition;
const close = Date.parse(definition.polls_close) / 1000;
const point = (at: string, precincts: number) => ({
  at,
  precincts,
  registered: 0,
  of_precincts: 200,
  of_registered: 1000,
  identified: 250,
});

describe('the curve', () => {
  it('is measured against ninety percent one hour after the polls close', () => {
    expect(curveData(null, 'reported', definition, 0).target).toEqual({ from: close, to: close + 3600 });
  });

  it('begins with what abroad had reported before', () => {
    const history: History = {
      unit: 'country',
      series: 'reported',
      step: 300,
      points: [point('2026-10-04T11:00:00Z', 2), point('2026-10-04T12:00:00Z', 4), point('2026-10-04T14:05:00Z', 20)],
    };
    const data = curveData(history, 'reported', definition, 0);
    expect(data.percent).toEqual([2, 10]);
    expect(data.at[0]).toBe(close - 900);
  });

  it('reaches on while the night goes on', () => {
    expect(curveData(null, 'reported', definition, close + 5 * 3600).range[1]).toBe(close + 5 * 3600);
  });

  it('ends an hour after it last rose', () => {
    const points = [point('2026-10-04T18:00:00Z', 199), point('2026-10-04T19:00:00Z', 200), point('2026-10-05T03:00:00Z', 200)];
    const history: History = { unit: 'country', series: 'reported', step: 300, points };
    expect(curveData(history, 'reported', definition, close + 14 * 3600).range[1]).toBe(close + 6 * 3600);
  });

  it('shows turnout of the day on a round scale, without a target', () => {
    const abroad = { ...point('2026-10-04T00:30:00Z', 2), registered: 300 };
    const points = [abroad, { ...point('2026-10-04T08:00:00Z', 150), registered: 1000, of_registered: 1300 }];
    const history: History = { unit: 'country', series: 'turnout', step: 300, points };
    const data = curveData(history, 'turnout', definition, 0);
    expect(data).toMatchObject({ percent: [25], target: null, day: { open: Date.parse(definition.polls_open) / 1000, close }, top: 40 });
  });
});

it('ends in the figures of the version in view, older and newer answers alike', () => {
  const country = unit('country', 8);
  const live = livePoint(country, header(3), 'reported');
  expect(livePoint(country, header(3), 'turnout')).toMatchObject({ precincts: 10, registered: 1000, identified: 300 });
  expect(live).toEqual({ ...point('2026-10-04T14:10:00Z', 8), registered: 800, of_precincts: 10, identified: 300 });
  const points = [point('2026-10-04T14:05:00Z', 4), point('2026-10-04T14:10:00Z', 5), point('2026-10-04T14:15:00Z', 9)];
  const ended = endingIn({ unit: 'country', series: 'reported', step: 300, points }, live);
  expect(ended.points.map(({ at, precincts }) => [at.slice(11, 16), precincts])).toEqual([['14:05', 4], ['14:10', 8]]);
});

it('is asked for again about once a step, within bounds', () => {
  expect(refreshMs(300, 1)).toBe(60_000);
  expect(refreshMs(300, 60)).toBe(5000);
  expect(refreshMs(300, 600)).toBe(3000);
});

it('has one point a moment where a report falls on the left edge', () => {
  const points = [point('2026-10-04T13:40:00Z', 2), point('2026-10-04T13:45:00Z', 4)];
  const data = curveData({ unit: 'country', series: 'reported', step: 300, points }, 'reported', definition, 0);
  expect(data.at).toEqual([close - 900]);
});

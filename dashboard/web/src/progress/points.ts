import type { Definition, Header, History, HistoryPoint, Unit } from '../feed/types';
import { share } from '../i18n/numbers';
import type { CurveData } from './curve';

export type Series = 'reported' | 'turnout';

const HOUR = 3600;
/** The promise the count is measured by: 90 % of urn results within one hour of the close of polls. */
const TARGET_SECONDS = HOUR;

/** What the version in view says, as the last point of a curve. */
export function livePoint(country: Unit, header: Header, series: Series): HistoryPoint {
  const sent = series === 'turnout' ? country.turnout : country.reported;
  return {
    at: header.generated_at,
    precincts: sent.precincts,
    registered: sent.registered,
    of_precincts: country.precincts,
    of_registered: country.registered,
    identified: country.turnout.identified,
  };
}

/** A history that ends in the version in view, whatever was asked for before or after it. */
export function endingIn(history: History, live: HistoryPoint): History {
  const at = Date.parse(live.at);
  return { ...history, points: [...history.points.filter((point) => Date.parse(point.at) < at), live] };
}

/** The curve of one series, with the axes it is drawn on; the target stands whether or not anything has come. */
export function curveData(history: History | null, series: Series, definition: Definition, now: number): CurveData {
  const open = Date.parse(definition.polls_open) / 1000;
  const close = Date.parse(definition.polls_close) / 1000;
  const points = (history?.points ?? []).map((point) => ({
    at: Date.parse(point.at) / 1000,
    percent: percentOf(point, series),
  }));
  const known = points.filter((point): point is { at: number; percent: number } => point.percent !== null);
  if (series === 'turnout') {
    // Abroad they vote before polls open at home; a share of so few says nothing of the day.
    const voting = known.filter((point) => point.at >= open);
    const most = Math.max(0, ...voting.map((point) => point.percent));
    return {
      at: voting.map((point) => point.at),
      percent: voting.map((point) => point.percent),
      target: null,
      day: { open, close },
      range: [open - HOUR / 2, close + HOUR / 2],
      top: Math.max(20, Math.ceil(most / 20) * 20),
    };
  }
  // Before the close only what is abroad reports; the night's curve begins at the close.
  const first = close - HOUR / 4;
  const before = known.filter((point) => point.at < first).at(-1);
  const night = known.filter((point) => point.at >= first);
  if (before && night[0]?.at !== first) night.unshift({ at: first, percent: before.percent });
  return {
    at: night.map((point) => point.at),
    percent: night.map((point) => point.percent),
    target: { from: close, to: close + TARGET_SECONDS },
    day: null,
    range: [first, Math.max(close + 2.25 * HOUR, Math.min(now, lastRise(night) + HOUR))],
    top: 100,
  };
}

/** Precincts of all precincts; those identified of the voters of the precincts that have sent any turnout. */
export function percentOf(point: HistoryPoint, series: Series): number | null {
  return series === 'reported'
    ? share(point.precincts, point.of_precincts)
    : share(point.identified, point.registered);
}

/** When the curve last rose: a night that is over is not squeezed by the morning after it. */
function lastRise(points: { at: number; percent: number }[]): number {
  const rise = points.findLast((point, i) => point.percent > (points[i - 1]?.percent ?? 0));
  return rise?.at ?? Infinity;
}

/** How long to wait (ms of real time) before asking for the curve again: about a step of it, within bounds. */
export function refreshMs(step: number, speed: number): number {
  return Math.min(60_000, Math.max(3000, (1000 * step) / Math.max(1, speed)));
}

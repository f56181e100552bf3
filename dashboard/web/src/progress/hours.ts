import type { Definition, History, HistoryPoint } from '../feed/types';

const HOUR_MS = 3_600_000;
/** Turnout is announced every two hours from the opening on, the last time when polls close. */
const EVERY_MS = 2 * HOUR_MS;

/** The hours at which turnout is announced, in ms since 1970. */
export function officialHours({ polls_open, polls_close }: Pick<Definition, 'polls_open' | 'polls_close'>): number[] {
  const [open, close] = [Date.parse(polls_open), Date.parse(polls_close)];
  const hours: number[] = [];
  for (let at = open + EVERY_MS; at < close; at += EVERY_MS) hours.push(at);
  return close > open ? [...hours, close] : [];
}

export interface HourRow {
  at: number;
  /** As of that hour; null while it has not come, or where nothing was known by then. */
  point: HistoryPoint | null;
}

/** What was known at each of the hours; `now` is the time of the version in view, in ms. */
export function atHours(history: History | null, hours: number[], now: number): HourRow[] {
  const points = (history?.points ?? []).map((point) => ({ at: Date.parse(point.at), point }));
  return hours.map((at) => ({ at, point: at > now ? null : (points.findLast((each) => each.at <= at)?.point ?? null) }));
}

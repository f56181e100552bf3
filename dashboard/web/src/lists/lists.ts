import type { Figures, MissingPrecinct } from '../feed/lists';
import type { Place } from '../feed/types';
import type { Election } from '../election/election';
import { fold } from '../search/fold';

/** The unit just below the country that a unit lies in: its region, or `abroad`. */
export function regionOf(election: Election, id: string): string {
  let at = id;
  for (let parent = election.unit(at)?.parent; parent && parent !== 'country'; parent = election.unit(at)?.parent) at = parent;
  return at;
}

/** Whether a precinct is what a reader looks for: by its number from the start, or by a word of its place. */
export function fits(precinct: number, place: Place | undefined, query: string): boolean {
  const wanted = fold(query);
  if (wanted === '') return true;
  if (/^\d+$/.test(wanted)) return String(precinct).startsWith(wanted);
  const texts = [place?.name.ky, place?.name.ru, place?.address];
  return texts.some((text) => text && ` ${fold(text)}`.includes(` ${wanted}`));
}

export interface RegionCount {
  id: string;
  precincts: number;
  registered: number;
}

/** How many are missing in each region, in the definition's order; regions where none is are left out. */
export function byRegion(election: Election, missing: MissingPrecinct[]): RegionCount[] {
  const counts = new Map<string, RegionCount>();
  for (const { parent, registered } of missing) {
    const id = regionOf(election, parent);
    const count = counts.get(id) ?? { id, precincts: 0, registered: 0 };
    counts.set(id, { id, precincts: count.precincts + 1, registered: count.registered + registered });
  }
  const order = [...election.ofKind('region'), ...election.ofKind('abroad')].map((unit) => unit.id);
  return [...counts.values()].sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
}

/** One figure that is not what it was. */
export interface Difference {
  /** Names from the outside in: `list`, `urns`, `votes`, `p01`. */
  path: string[];
  before: Figures | undefined;
  after: Figures | undefined;
}

/** The figures in which two states differ, whatever their shape; a figure that stands on one side only is one of them. */
export function differences(before: Figures | undefined, after: Figures | undefined, path: string[] = []): Difference[] {
  if (isGroup(before) || isGroup(after)) {
    const [old, now] = [isGroup(before) ? before : {}, isGroup(after) ? after : {}];
    const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
    return names.flatMap((name) => differences(old[name], now[name], [...path, name]));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

function isGroup(figures: Figures | undefined): figures is { [name: string]: Figures } {
  return typeof figures === 'object' && figures !== null && !Array.isArray(figures);
}

/** So many changes of a group are shown before the reader asks for the rest. */
export const FIRST = 6;

/** Changes of one contest by one source, or of the precinct itself. */
export interface ChangeGroup {
  contest: string | null;
  source: string | null;
  changes: Difference[];
}

/** A decision's changes: the precinct's own first, then each contest's by source, what says most at the top. */
export function grouped(changes: Difference[]): ChangeGroup[] {
  const groups = new Map<string, ChangeGroup>();
  for (const change of changes) {
    const [first, contest, source, ...rest] = change.path;
    const own = first !== 'contests' || contest === undefined || source === undefined || rest.length === 0;
    const key = own ? '' : `${contest} ${source}`;
    const group = groups.get(key) ?? { contest: own ? null : contest, source: own ? null : source, changes: [] };
    group.changes.push(own ? change : { ...change, path: rest });
    groups.set(key, group);
  }
  const sorted = [...groups.values()].sort((a, b) => Number(a.contest !== null) - Number(b.contest !== null));
  return sorted.map((group) => ({ ...group, changes: [...group.changes].sort((a, b) => rank(a) - rank(b)) }));
}

/** State and turnout, ballots, votes, preferences; how much has reported says least. */
function rank({ path }: Difference): number {
  const order = ['phase', 'identified', 'ballots', 'invalid', 'votes', 'preferences', 'precincts', 'registered'];
  const at = order.findIndex((name) => path.includes(name));
  return at < 0 ? order.length : at;
}

import type { Unit } from '../feed/types';
import { ballotsOf } from './consequence';

/** Figures of some units at one moment, by unit and name. */
export type Figures = Map<string, Record<string, number | string>>;

/** What a decision did to one figure. */
export interface Change {
  unit: string;
  figure: string;
  before: number | string;
  after: number | string;
}

/** Reads JSON past every cache: what stood there before a decision is no answer. */
export type Read = (url: string) => Promise<unknown>;

/** More units than these are not looked at one by one. */
const MOST_UNITS = 20;
const [TRIES, PAUSE_MS] = [12, 300];

/** What people decide about: state, reports kept back, discrepancies, voters, ballots by both counts. */
export function figuresOf(unit: Unit): Record<string, number | string> {
  const { phase, quarantined, discrepancies, turnout } = unit;
  return { phase, quarantined, discrepancies, identified: turnout.identified, urns: ballotsOf(unit, 'urns'), protocols: ballotsOf(unit, 'protocols') };
}

export function changes(before: Figures, after: Figures): Change[] {
  return [...after].flatMap(([unit, figures]) =>
    Object.entries(figures).flatMap(([figure, now]) => {
      const then = before.get(unit)?.[figure] ?? now;
      return then === now ? [] : [{ unit, figure, before: then, after: now }];
    }),
  );
}

/** The figures of units as they are published now. */
export async function look(base: string, units: string[], read: Read): Promise<Figures> {
  const asked = units.slice(0, MOST_UNITS).map(async (id) => {
    const { unit } = (await read(`${base}/units/${id}`)) as { unit: Unit };
    return [id, figuresOf(unit)] as const;
  });
  return new Map(await Promise.all(asked));
}

/** Looks until something is other than before: what was decided is published a moment later. */
export async function lookAfter(base: string, before: Figures, read: Read): Promise<Change[]> {
  const units = [...before.keys()];
  let found: Change[] = [];
  for (let tries = 0; tries < TRIES && found.length === 0; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    found = changes(before, await look(base, units, read));
  }
  return found;
}

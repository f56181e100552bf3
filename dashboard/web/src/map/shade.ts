import type { Contest, Source, Unit } from '../feed/types';
import { share } from '../i18n/numbers';
import { complete, leading, reportedOf } from '../results/standing';
import { mix } from './colour';

export const MODES = ['leading', 'reported', 'turnout', 'voters'] as const;
export type Mode = (typeof MODES)[number];

/** The legend's class of candidates of no party. */
export const INDEPENDENTS = 'independents';

/** Lower bounds, percent. Fixed and round: they do not move during the night. */
export const REPORTED_BREAKS = [0, 25, 50, 75, 100] as const;
export const TURNOUT_BREAKS = [0, 10, 20, 30, 40, 50, 60] as const;
/** Points between the first and the second from which a lead is drawn one step firmer. */
export const MARGIN_BREAKS = [0, 5, 15] as const;

/** The colours of one theme that a shade is made of. */
export interface Ground {
  land: string;
  tie: string;
  /** How much of the leader's colour each step of the lead takes, over the land. */
  margin: readonly number[];
  reported: readonly string[];
  turnout: readonly string[];
}

export interface ShadeContext {
  mode: Mode;
  source: Source;
  ground: Ground;
  /** The contest a unit is coloured by; none where the unit does not vote in it. */
  contestOf(unit: Unit): Contest | null;
  colourOf(contest: Contest, option: string): string;
  /** The legend's class of a leading option. */
  keyOf(contest: Contest, option: string): string;
  /** Key of the legend's class that alone stays firm; null for all. */
  filter: string | null;
}

/** How one unit is drawn. `fill` null means hatched: nothing is counted, nothing is coloured. */
export interface Shade {
  fill: string | null;
  /** Every precinct has reported: a firm outline. */
  complete: boolean;
  /** Its class of the legend. */
  key: string | null;
}

const HATCHED: Shade = { fill: null, complete: false, key: null };
const FADED = 0.14;

export function shade(unit: Unit | undefined, context: ShadeContext): Shade {
  if (!unit) return HATCHED;
  const plain = plainShade(unit, context);
  if (context.filter === null || plain.fill === null || plain.key === context.filter) return plain;
  return { ...plain, fill: mix(plain.fill, context.ground.land, FADED) };
}

function plainShade(unit: Unit, context: ShadeContext): Shade {
  switch (context.mode) {
    case 'leading':
    case 'voters':
      return leadingShade(unit, context);
    case 'reported':
      return reportedShade(unit, context);
    case 'turnout':
      return turnoutShade(unit, context);
  }
}

function leadingShade(unit: Unit, context: ShadeContext): Shade {
  const contest = context.contestOf(unit);
  if (!contest) return HATCHED;
  const count = unit.contests[contest.id];
  const leader = leading(contest, count, context.source);
  if (!leader || !count) return HATCHED;
  const done = unitComplete(unit, contest);
  if (leader.tied) return { fill: context.ground.tie, complete: done, key: 'tie' };
  const strength = context.ground.margin[classOf(leader.margin, MARGIN_BREAKS)] ?? 1;
  const colour = context.colourOf(contest, leader.option.id);
  return { fill: mix(colour, context.ground.land, strength), complete: done, key: context.keyOf(contest, leader.option.id) };
}

function reportedShade(unit: Unit, context: ShadeContext): Shade {
  const contest = context.contestOf(unit);
  if (!contest) return HATCHED;
  const { precincts, ofPrecincts } = reportedOf(unit, contest);
  const percent = share(precincts, ofPrecincts);
  if (percent === null || precincts === 0) return HATCHED;
  const at = classOf(percent, REPORTED_BREAKS);
  return { fill: context.ground.reported[at] ?? null, complete: percent === 100, key: String(at) };
}

function turnoutShade(unit: Unit, context: ShadeContext): Shade {
  const percent = share(unit.turnout.identified, unit.turnout.registered);
  if (percent === null) return HATCHED;
  const at = classOf(percent, TURNOUT_BREAKS);
  return { fill: context.ground.turnout[at] ?? null, complete: false, key: String(at) };
}

function unitComplete(unit: Unit, contest: Contest): boolean {
  const { precincts, ofPrecincts } = reportedOf(unit, contest);
  return complete(precincts, ofPrecincts);
}

/** The index of the highest break at or below the value. */
export function classOf(value: number, breaks: readonly number[]): number {
  let at = 0;
  for (let i = 0; i < breaks.length; i += 1) if (value >= (breaks[i] ?? Infinity)) at = i;
  return at;
}

/** Radius of a unit's circle in px: area in proportion to registered voters, the country's sum in a fixed budget. */
export function circleRadius(registered: number, country: number, mapWidth: number, mapHeight: number): number {
  if (country <= 0) return 0;
  const budget = 0.1 * mapWidth * mapHeight;
  return Math.sqrt((budget * registered) / country / Math.PI);
}

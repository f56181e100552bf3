import type { Contest, Option } from '../feed/types';
import { chroma, distance, fullDistance, lightness, mix, parseHex } from './colour';

/** For options whose file names no colour or one that clashes: told apart with deuteranopia, none of them near grey. */
const FALLBACK = [
  '#2f6fb0', '#d98324', '#5aa9a3', '#a2417f', '#c9b037', '#5a4a00',
  '#9c7bff', '#d98cb3', '#4f7d3a', '#4a1d3f', '#b3cc74', '#5b2a86',
] as const;
/** One of these is the common colour of candidates without a party, whichever is farthest from every party's. */
const INDEPENDENT = ['#9a6a7a', '#6e5f8a', '#5e7a5a', '#6b4a46'] as const;
/** Beyond what the palette holds, and for "against all". */
export const NEUTRAL = '#8a8f94';
/** Two of one election nearer than this are one colour to the eye on a map. */
const CLASH = 0.03;
/** Colours with less chroma than this look like a unit without figures. */
const GREY = 0.02;

/** The colours of a whole election; they depend on nothing that moves during the night. */
export interface ElectionColours {
  /** By contest, then by option id. */
  ballots: Map<string, Map<string, string>>;
  /** What candidates without a party share where several ballots are looked at together. */
  independent: string;
}

/**
 * Party lists come first, in the order of the list: a colour of the election files stands unless an earlier party has
 * one that cannot be told from it. A party has its colour on every ballot; other candidates take what is left.
 */
export function electionColours(contests: Contest[]): ElectionColours {
  const parties = new Map<string, string>();
  const ballots = new Map<string, Map<string, string>>();
  const shared = contests.filter(({ scope }) => scope === 'country');
  const lists = shared.filter(({ options }) => options.some(({ kind }) => kind === 'party'));
  for (const { options } of lists) {
    const named = options.filter(({ kind, id }) => kind === 'party' && !parties.has(id));
    for (const [id, colour] of assign(named, [...parties.values()], GREY)) parties.set(id, colour);
  }
  const ofParties = [...parties.values()].filter((colour) => colour !== NEUTRAL);
  for (const contest of contests) ballots.set(contest.id, ballotColours(contest, parties, ofParties));
  return { ballots, independent: farthest(INDEPENDENT, ofParties) ?? INDEPENDENT[0] };
}

function ballotColours({ options }: Contest, parties: Map<string, string>, ofParties: string[]): Map<string, string> {
  const colours = new Map<string, string>();
  for (const { id, kind, party } of options) {
    const colour = kind === 'against_all' ? NEUTRAL : parties.get(kind === 'party' ? id : (party ?? ''));
    if (colour) colours.set(id, colour);
  }
  const rest = options.filter(({ id }) => !colours.has(id));
  for (const [id, colour] of assign(rest, ofParties, 0)) colours.set(id, colour);
  return colours;
}

/** Colours for options in the order of the ballot, none of them near one already `taken`. */
function assign(options: Option[], taken: string[], least: number): Map<string, string> {
  const colours = new Map<string, string>();
  const used = [...taken];
  const free = (colour: string) => used.every((other) => distance(colour, other) >= CLASH);
  const ballot = [...options].sort((a, b) => a.number - b.number);
  const give = ({ id }: Option, colour: string) => {
    colours.set(id, colour);
    used.push(colour);
  };
  for (const option of ballot) {
    const own = option.color ?? '';
    if (parseHex(own) && chroma(own) >= least && free(own)) give(option, own);
  }
  for (const option of ballot) {
    if (colours.has(option.id)) continue;
    const next = farthest(FALLBACK.filter((colour) => room(colour, used) >= CLASH), used);
    if (next) give(option, next);
    else colours.set(option.id, spare(option, used));
  }
  return colours;
}

/** Where the palette has run out: the colour of the files, if it is at least not another's and no grey. */
function spare({ color }: Option, used: string[]): string {
  return color && parseHex(color) && chroma(color) >= GREY && !used.includes(color) ? color : NEUTRAL;
}

/** How far a colour is from the nearest of `others`, to an eye with deuteranopia and to one without. */
function room(colour: string, others: string[]): number {
  return Math.min(1, ...others.map((other) => Math.min(distance(colour, other), fullDistance(colour, other) / 2)));
}

/** The one with the most room among `others`; the first among equals. */
function farthest(colours: readonly string[], others: string[]): string | undefined {
  return colours.reduce<string | undefined>(
    (best, each) => (best && room(best, others) >= room(each, others) ? best : each),
    undefined,
  );
}

/** Very dark colours are lifted on a dark page and very light ones lowered on a light one, hue kept. */
export function readable(colour: string, dark: boolean): string {
  const light = lightness(colour);
  if (dark && light < 0.5) return mix(colour, '#ffffff', 1 - (0.5 - light));
  if (!dark && light > 0.85) return mix(colour, '#000000', 1 - (light - 0.85));
  return colour;
}

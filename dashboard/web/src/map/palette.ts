import type { Option } from '../feed/types';
import { distance, lightness, mix, parseHex } from './colour';

/** Ten colours that a reader with deuteranopia tells apart, used where the election files name none or they clash. */
const FALLBACK = [
  '#2f6fb0', '#d98324', '#5aa9a3', '#8c4b8f', '#c9b037',
  '#7a3b1e', '#6fb6e0', '#44546a', '#d98cb3', '#4f7d3a',
] as const;
/** Beyond ten, and for "against all". */
export const NEUTRAL = '#8a8f94';
/** Two of one ballot nearer than this are one colour to the eye on a map. */
const CLASH = 0.03;

/**
 * The colours of one ballot, by option id. A colour of the election files stands unless an option before it on the
 * ballot has one that cannot be told from it; they depend on nothing that moves during the night.
 */
export function ballotColours(options: Option[]): Map<string, string> {
  const colours = new Map<string, string>();
  const taken: string[] = [];
  const free = (colour: string) => taken.every((other) => distance(colour, other) >= CLASH);
  const ballot = [...options].sort((a, b) => a.number - b.number);
  const assign = (option: Option, colour: string) => {
    colours.set(option.id, colour);
    taken.push(colour);
  };
  for (const option of ballot) {
    if (option.kind === 'against_all') colours.set(option.id, NEUTRAL);
    else if (parseHex(option.color) && free(option.color ?? '')) assign(option, option.color ?? '');
  }
  for (const option of ballot) {
    if (colours.has(option.id)) continue;
    const next = FALLBACK.find(free);
    if (next) assign(option, next);
    else colours.set(option.id, NEUTRAL);
  }
  return colours;
}

/** Very dark colours are lifted on a dark page and very light ones lowered on a light one, hue kept. */
export function readable(colour: string, dark: boolean): string {
  const light = lightness(colour);
  if (dark && light < 0.5) return mix(colour, '#ffffff', 1 - (0.5 - light));
  if (!dark && light > 0.85) return mix(colour, '#000000', 1 - (light - 0.85));
  return colour;
}

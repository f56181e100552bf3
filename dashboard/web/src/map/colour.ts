/** Colours as the map computes them: sRGB in, Oklab for mixing and for telling colours apart. */
export type Rgb = [number, number, number];

export function parseHex(hex: string | null | undefined): Rgb | null {
  const match = /^#([0-9a-f]{6})$/i.exec(hex ?? '');
  if (!match?.[1]) return null;
  const value = Number.parseInt(match[1], 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

export function toHex([r, g, b]: Rgb): string {
  return `#${[r, g, b].map((channel) => Math.round(channel).toString(16).padStart(2, '0')).join('')}`;
}

function linear(channel: number): number {
  const c = channel / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
}

function gamma(value: number): number {
  const c = Math.min(1, Math.max(0, value));
  return 255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);
}

function toOklab(rgb: Rgb): Rgb {
  const [r, g, b] = rgb.map(linear) as Rgb;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([L, a, b]: Rgb): Rgb {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** Colours that were worked out: thousands of units are drawn in a few of them. */
const MIXED = new Map<string, string>();

/** `amount` of `colour` over `ground`, 0 to 1, mixed as the eye does. */
export function mix(colour: string, ground: string, amount: number): string {
  const key = `${colour} ${ground} ${amount}`;
  const known = MIXED.get(key);
  if (known !== undefined) return known;
  const mixed = over(colour, ground, amount);
  MIXED.set(key, mixed);
  return mixed;
}

function over(colour: string, ground: string, amount: number): string {
  const top = parseHex(colour);
  const under = parseHex(ground);
  if (!top || !under) return colour;
  const a = toOklab(top);
  const b = toOklab(under);
  return toHex(fromOklab(a.map((value, i) => value * amount + (b[i] ?? 0) * (1 - amount)) as Rgb));
}

/** What a reader with deuteranopia sees (Machado, Oliveira and Fernandes 2009, severity 1). */
function deuteranopia(rgb: Rgb): Rgb {
  const [r, g, b] = rgb.map(linear) as Rgb;
  return [
    gamma(0.367322 * r + 0.860646 * g - 0.227968 * b),
    gamma(0.280085 * r + 0.672501 * g + 0.047413 * b),
    gamma(-0.01182 * r + 0.04294 * g + 0.968881 * b),
  ];
}

/** As that reader sees them: a palette compares each colour with every other. */
const SEEN = new Map<string, Rgb | null>();

function seen(hex: string): Rgb | null {
  const known = SEEN.get(hex);
  if (known !== undefined) return known;
  const rgb = parseHex(hex);
  const found = rgb && toOklab(deuteranopia(rgb));
  SEEN.set(hex, found);
  return found;
}

/** How far apart two colours are in Oklab for a reader with deuteranopia; about 0.02 is just seen. */
export function distance(one: string, other: string): number {
  const [a, b] = [seen(one), seen(other)];
  return a && b ? between(a, b) : 0;
}

/** The same for a reader who tells all colours apart. */
export function fullDistance(one: string, other: string): number {
  const a = parseHex(one);
  const b = parseHex(other);
  return a && b ? between(toOklab(a), toOklab(b)) : 0;
}

function between([l1, a1, b1]: Rgb, [l2, a2, b2]: Rgb): number {
  return Math.hypot(l1 - l2, a1 - a2, b1 - b2);
}

/** Lightness in Oklab, 0 black to 1 white. */
export function lightness(hex: string): number {
  const rgb = parseHex(hex);
  return rgb ? toOklab(rgb)[0] : 0;
}

/** How far from grey a colour is, in Oklab: 0 for a grey, about 0.3 at most. */
export function chroma(hex: string): number {
  const rgb = parseHex(hex);
  if (!rgb) return 0;
  const [, a, b] = toOklab(rgb);
  return Math.hypot(a, b);
}

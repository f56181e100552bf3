/** A name that wants to stand at a point of the map, px. */
export interface Wish {
  id: string;
  at: [number, number];
  text: string;
}

/** A name where it has room: the middle of its block, and its lines. */
export interface Placed {
  id: string;
  x: number;
  y: number;
  lines: string[];
}

export interface Lettering {
  /** Size of the letters, px. */
  size: number;
  /** How wide a text is in them, px. */
  measure(text: string): number;
}

/** In sizes of the letters: how wide a line may be, how far lines are apart, and names from each other and from their point. */
const [WIDEST, LEADING, APART, BESIDE] = [7, 1.15, 0.25, 0.5];

/** Names, those first that were wished for first; one that has no room on or beside its point is left out. */
export function placed(wishes: Wish[], { size, measure }: Lettering): Placed[] {
  const taken: [number, number, number, number][] = [];
  const free = ([left, top, right, bottom]: [number, number, number, number]) =>
    taken.every(([l, t, r, b]) => right <= l || left >= r || bottom <= t || top >= b);
  return wishes.flatMap(({ id, at: [x, y], text }) => {
    const lines = broken(text, WIDEST * size, measure);
    const halfWidth = Math.max(...lines.map(measure)) / 2 + APART * size;
    const halfHeight = (lines.length * LEADING * size) / 2 + APART * size;
    const [aside, above] = [halfWidth + BESIDE * size, halfHeight + BESIDE * size];
    for (const [dx, dy] of [[0, 0], [0, -above], [0, above], [aside, 0], [-aside, 0]] as const) {
      const box: [number, number, number, number] = [x + dx - halfWidth, y + dy - halfHeight, x + dx + halfWidth, y + dy + halfHeight];
      if (!free(box)) continue;
      taken.push(box);
      return [{ id, x: x + dx, y: y + dy, lines }];
    }
    return [];
  });
}

/** Lines of about the same width, none wider than need be. */
function broken(text: string, widest: number, measure: (text: string) => number): string[] {
  const words = text.split(' ');
  const whole = measure(text);
  const wanted = whole / Math.ceil(whole / widest);
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    // A word goes where its line comes nearer to what is wanted.
    if (last !== undefined && measure(last) + measure(` ${word}`) / 2 <= wanted) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

import { fold } from './fold';

/** Something a reader may look for. */
export interface Findable {
  /** Unit id. */
  id: string;
  /** The official number, of a precinct or a district. */
  number: string | null;
  /** Names and addresses in every language. */
  texts: string[];
}

interface Entry {
  id: string;
  number: string | null;
  texts: string[];
}

/** An index over all units of an election; it answers within a frame for a few thousand. */
export class SearchIndex {
  readonly #entries: Entry[];

  constructor(items: Findable[]) {
    this.#entries = items.map(({ id, number, texts }) => ({ id, number, texts: texts.filter(Boolean).map(fold) }));
  }

  /** Ids of the best matches, best first; those earlier in the index first among equals. */
  find(query: string, limit: number): string[] {
    const wanted = fold(query);
    if (wanted === '') return [];
    const scored: { id: string; score: number }[] = [];
    for (const entry of this.#entries) {
      const score = scoreOf(entry, wanted);
      if (score > 0) scored.push({ id: entry.id, score });
    }
    // Array sort is stable, so the index's own order decides between equals.
    return scored
      .sort((a, b) => b.score - a.score)
      .slice(0, limit)
      .map(({ id }) => id);
  }
}

function scoreOf(entry: Entry, wanted: string): number {
  if (entry.number === wanted) return 100;
  let best = entry.number?.startsWith(wanted) ? 50 : 0;
  for (const text of entry.texts) best = Math.max(best, textScore(text, wanted));
  return best;
}

function textScore(text: string, wanted: string): number {
  if (text === wanted) return 90;
  if (text.startsWith(wanted)) return 70;
  if (` ${text}`.includes(` ${wanted}`)) return 40;
  const words = wanted.split(' ');
  if (words.length > 1 && words.every((word) => ` ${text}`.includes(` ${word}`))) return 30;
  return wanted.length >= 3 && text.includes(wanted) ? 20 : 0;
}

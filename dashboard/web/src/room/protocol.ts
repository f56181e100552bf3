import type { Contest } from '../feed/types';

/** The lines of the paper above the votes, in its order. */
export const LINES = ['received', 'issued', 'cancelled', 'portable', 'ballots', 'invalid', 'valid'] as const;
export type Line = (typeof LINES)[number];

/** One contest of a protocol while it is typed; null where nothing is typed yet. */
export interface Paper {
  contest: string;
  lines: Record<Line, number | null>;
  votes: Record<string, number | null>;
  preferences: Record<string, Record<number, number | null>>;
}

export function paperOf({ id, options }: Contest): Paper {
  return {
    contest: id,
    lines: { received: null, issued: null, cancelled: null, portable: null, ballots: null, invalid: null, valid: null },
    votes: Object.fromEntries(options.map((option) => [option.id, null])),
    preferences: Object.fromEntries(
      options.filter(({ candidates }) => candidates?.length).map((option) => [option.id, Object.fromEntries((option.candidates ?? []).map(({ number }) => [number, null]))]),
    ),
  };
}

const sum = (values: (number | null)[]) => values.reduce((all: number, value) => all + (value ?? 0), 0);

/** The sums of the paper that do not hold among what is typed; none is judged before all of its lines are. */
export function unbalanced({ lines, votes }: Paper): ('issued' | 'valid' | 'votes')[] {
  const { received, issued, cancelled, ballots, invalid, valid } = lines;
  const typed = (...values: (number | null)[]) => values.every((value) => value !== null);
  return [
    ...(typed(received, issued, cancelled) && sum([issued, cancelled]) !== received ? (['issued'] as const) : []),
    ...(typed(ballots, invalid, valid) && sum([invalid, valid]) !== ballots ? (['valid'] as const) : []),
    ...(typed(valid, ...Object.values(votes)) && sum(Object.values(votes)) !== valid ? (['votes'] as const) : []),
  ];
}

/** Whether every line is typed. A number on a list for which nothing is typed has no preference votes. */
export function whole({ lines, votes }: Paper): boolean {
  return [...Object.values(lines), ...Object.values(votes)].every((value) => value !== null);
}

/** As the service takes it. */
export function formOf({ contest, lines, votes, preferences }: Paper): object {
  const marked = Object.entries(preferences).flatMap(([option, numbers]) => {
    const some = Object.entries(numbers).filter(([, count]) => (count ?? 0) > 0);
    return some.length > 0 ? [[option, Object.fromEntries(some)] as const] : [];
  });
  return { contest, ...lines, votes, ...(marked.length > 0 ? { preferences: Object.fromEntries(marked) } : {}) };
}

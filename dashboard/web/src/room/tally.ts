import type { Contest, WholeCount } from '../feed/types';

/** Figures of one contest in a precinct while they are typed; null where nothing is typed. */
export interface Tally {
  contest: string;
  ballots: number | null;
  invalid: number | null;
  votes: Record<string, number | null>;
  /** By list and number. */
  preferences: Record<string, Record<number, number | null>>;
}

/** With what stands there typed in already; without anything where nothing does. */
export function tallyOf({ id, options }: Contest, stands: WholeCount | null): Tally {
  const numbers = ({ id: list, candidates }: Contest['options'][number]) =>
    Object.fromEntries((candidates ?? []).map(({ number }) => [number, stands?.preferences?.[list]?.[number] ?? null]));
  return {
    contest: id,
    ballots: stands?.ballots ?? null,
    invalid: stands?.invalid ?? null,
    votes: Object.fromEntries(options.map((option) => [option.id, stands ? (stands.votes[option.id] ?? 0) : null])),
    preferences: Object.fromEntries(options.filter(({ candidates }) => candidates?.length).map((option) => [option.id, numbers(option)])),
  };
}

const sum = (values: (number | null)[]) => values.reduce((all: number, value) => all + (value ?? 0), 0);

/** Whether every line is typed. */
export const whole = ({ ballots, invalid, votes }: Tally) => [ballots, invalid, ...Object.values(votes)].every((value) => value !== null);

/** A list whose preference votes nobody knows here, and how many of its numbers are left empty: those become nought. */
export interface Emptied {
  list: string;
  empty: number;
}

/** List by list, what becomes nought because the count does not know it. A list without votes has no preference votes. */
export function emptied(stands: WholeCount, { preferences }: Tally): Emptied[] {
  if (stands.preferences) return [];
  return Object.entries(preferences)
    .map(([list, numbers]) => ({ list, empty: Object.values(numbers).filter((count) => count === null).length }))
    .filter(({ list, empty }) => empty > 0 && (stands.votes[list] ?? 0) > 0);
}

/** The sums that do not hold; none is judged before all of its lines are typed. */
export function unsound(tally: Tally): ('sum' | 'preferences')[] {
  const { ballots, invalid, votes, preferences } = tally;
  const broken = whole(tally) && sum([...Object.values(votes), invalid]) !== ballots;
  const over = Object.entries(preferences).some(([list, numbers]) => votes[list] !== null && sum(Object.values(numbers)) > (votes[list] ?? 0));
  return [...(broken ? (['sum'] as const) : []), ...(over ? (['preferences'] as const) : [])];
}

/** As the service takes it: what is zero of the preferences is left out. */
export function sentOf({ contest, ballots, invalid, votes, preferences }: Tally): object {
  const marked = Object.entries(preferences).flatMap(([list, numbers]) => {
    const some = Object.entries(numbers).filter(([, count]) => (count ?? 0) > 0);
    return some.length > 0 ? [[list, Object.fromEntries(some)] as const] : [];
  });
  return { contest, ballots, invalid, votes, ...(marked.length > 0 ? { preferences: Object.fromEntries(marked) } : {}) };
}

/** A line that is other than it was. */
export interface Difference {
  line: 'ballots' | 'invalid' | { option: string; number?: number };
  now: number;
  then: number;
}

/** Every line in which two tallies of one contest are not the same. */
export function differences(now: Tally, then: Tally): Difference[] {
  const lines: Difference[] = [
    { line: 'ballots', now: now.ballots ?? 0, then: then.ballots ?? 0 },
    ...Object.keys(then.votes).map((option) => ({ line: { option }, now: now.votes[option] ?? 0, then: then.votes[option] ?? 0 })),
    { line: 'invalid', now: now.invalid ?? 0, then: then.invalid ?? 0 },
    ...Object.entries(then.preferences).flatMap(([option, numbers]) =>
      Object.entries(numbers).map(([number, count]) => ({ line: { option, number: Number(number) }, now: now.preferences[option]?.[Number(number)] ?? 0, then: count ?? 0 })),
    ),
  ];
  return lines.filter((line) => line.now !== line.then);
}

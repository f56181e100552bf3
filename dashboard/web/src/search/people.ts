import type { Contest, Name, Option } from '../feed/types';

/** Who or what stands on a ballot, as a search finds it. */
export interface OnBallot {
  id: string;
  name: Name;
  contest: Contest;
  option: Option;
  /** The number on a list of those who stand on one; null of the list itself, and of who stands alone. */
  place: number | null;
}

/** Parties, candidates, and the candidates on lists, of every ballot; "against all" and answers are nobody. */
export function onBallots(contests: Contest[]): Map<string, OnBallot> {
  const found = new Map<string, OnBallot>();
  const add = (each: OnBallot) => found.set(each.id, each);
  for (const contest of contests) {
    for (const option of contest.options) {
      if (option.kind !== 'party' && option.kind !== 'candidate') continue;
      const id = `on:${contest.id}/${option.id}`;
      add({ id, name: option.name, contest, option, place: null });
      for (const { number, name } of option.candidates ?? []) add({ id: `${id}/${number}`, name, contest, option, place: number });
    }
  }
  return found;
}

import { createContext } from 'svelte';
import type { ThemeState } from '../app/theme.svelte';
import type { Contest } from '../feed/types';
import { ballotColours, NEUTRAL, readable } from './palette';

/** The colour of each option in the theme in view; worked out once a ballot. */
export class Colours {
  readonly #theme: ThemeState;
  readonly #ballots = new Map<string, Map<string, string>>();

  constructor(theme: ThemeState) {
    this.#theme = theme;
  }

  of(contest: Contest, option: string): string {
    let ballot = this.#ballots.get(contest.id);
    if (!ballot) this.#ballots.set(contest.id, (ballot = ballotColours(contest.options)));
    return readable(ballot.get(option) ?? NEUTRAL, this.#theme.dark);
  }
}

export const [getColours, setColours] = createContext<Colours>();

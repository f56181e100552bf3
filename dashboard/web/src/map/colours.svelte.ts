import { createContext } from 'svelte';
import type { ThemeState } from '../app/theme.svelte';
import type { Contest } from '../feed/types';
import { independent } from '../election/election';
import { electionColours, NEUTRAL, readable, type ElectionColours } from './palette';

/** The colour of each option in the theme in view; worked out once for the election. */
export class Colours {
  readonly #theme: ThemeState;
  readonly #election: ElectionColours;

  constructor(theme: ThemeState, contests: Contest[]) {
    this.#theme = theme;
    this.#election = electionColours(contests);
  }

  /** Among the options of its own ballot. */
  of(contest: Contest, option: string): string {
    return readable(this.#election.ballots.get(contest.id)?.get(option) ?? NEUTRAL, this.#theme.dark);
  }

  /** Where several ballots are looked at together: there all candidates without a party have one colour. */
  across(contest: Contest, option: string): string {
    if (independent(contest, option)) return readable(this.#election.independent, this.#theme.dark);
    return this.of(contest, option);
  }
}

export const [getColours, setColours] = createContext<Colours>();

import type { Definition, PrecinctDetail } from '../feed/types';
import type { I18n } from '../i18n/i18n.svelte';
import type { Session } from './session.svelte';
import { WORDS, type Words } from './words';

/** What every part of the room needs. */
export interface Desk {
  /** Where the API of the election is, without a slash at its end. */
  base: string;
  definition: Definition;
  i18n: I18n;
  session: Session;
}

/** All who ask within a second are given one answer: for so long (ms) it is what stood there before a decision. */
export const SHARED_MS = 1300;

/** What those need who decide about a precinct that is open. */
export interface Opened {
  desk: Desk;
  detail: PrecinctDetail;
  /** Reads it once more, after something was decided. */
  again: () => void;
}

export const wordsOf = ({ i18n }: Desk): Words => WORDS[i18n.lang];

/** What became of one precinct, where many are decided about. */
export interface Outcomes {
  taken: number;
  refused: number;
  outcomes: { precinct: number; problem: string | null }[];
}

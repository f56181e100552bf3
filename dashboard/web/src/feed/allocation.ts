import type { ContestKind, Header, Source } from './types';

/** The shapes of `…/seats`: counts and fractions of counts, no rounded numbers. */

export interface Fraction {
  numerator: number;
  /** 0 before anything is counted. */
  denominator: number;
}

/** A share that is needed somewhere: of the country's votes, of a region's, of all who may vote. */
export interface Hurdle {
  unit: string;
  needs: Fraction;
  has: Fraction;
  met: boolean;
  /** Fewest further votes that reach it; null: no number does. */
  short: number | null;
  /** Most votes that can go to others before it is missed. */
  spare: number;
  /** No outstanding ballot can change whether it is met. */
  decided: boolean;
}

export interface SeatsOfOption {
  option: string;
  votes: number;
  /** Null where its votes are in no share. */
  share: Fraction | null;
  standing: 'in' | 'below' | 'withdrawn' | 'apart';
  thresholds: Hurdle[];
  /** Without those that hang on lots. Of a referendum: 1 for the answer given. */
  seats: number;
  seats_least: number;
  seats_most: number;
  decided: boolean;
  /** Votes beyond whole quotas, over the quota's denominator. */
  remainder: Fraction | null;
  /** Fewest further votes for it alone with which it has one more seat; null: none does, or it is not known. */
  votes_to_next_seat: number | null;
  second_round: boolean;
  /** Null where it is not known: preference votes are in no earlier version. */
  elected: { number: number; votes: number; by: 'women_share' | 'preference' }[] | null;
}

export interface Tie {
  place: 'seats' | 'second_round' | 'women' | 'list';
  list: string | null;
  options: string[];
  numbers: number[];
  /** Places left for those that are tied. */
  seats: number;
}

/** Lots that were drawn for a tie. They hold while and whenever exactly this tie does; of several for it, the last. */
export interface Drawn {
  offset: number;
  at: string;
  by: string;
  reason: string;
  signature: string | null;
  contest: string;
  source: Source;
  tie: Tie;
  /** Options, or numbers on the list. */
  drawn: (string | number)[];
}

export type Outcome =
  | 'no_votes'
  | 'allotted'
  | 'second_round'
  | 'none_elected'
  | 'tied'
  | 'accepted'
  | 'rejected'
  | 'turnout_too_low';

export interface Allocation {
  contest: string;
  kind: ContestKind;
  method: 'hare' | 'dhondt' | 'sainte-lague' | 'plurality' | 'majority';
  seats: number;
  seat_cap: number | null;
  rules: { max_one_sex: number | null; women_share: number | null };
  source: Source;
  reported: { precincts: Fraction; registered: Fraction; outstanding: number | null };
  ballots: number;
  invalid: number;
  denominator: number;
  result: Outcome;
  /** No outstanding ballot can change the seats of any option. Decisions of people can. */
  decided: boolean;
  quota: Fraction | null;
  vacant: number;
  turnout: Hurdle | null;
  options: SeatsOfOption[];
  ties: Tie[];
}

/** The answer; `allocation` is null until votes may be published. */
export interface SeatsAnswer extends Header {
  contest: string;
  source: Source;
  allocation: Allocation | null;
  /** Of this contest and source, in the order of the record. */
  lots: Drawn[];
}

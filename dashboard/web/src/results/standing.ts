import type { Contest, ContestCount, Option, Source } from '../feed/types';
import { share } from '../i18n/numbers';

/** One option's row: counts, and the one percentage computed from the counts beside it. */
export interface Row {
  option: Option;
  votes: number;
  /** Percent of the contest's denominator; null where nothing is counted. */
  percent: number | null;
  belowThreshold: boolean;
}

export type Standing =
  /** Votes may not be published yet; only what has reported is known. */
  | { kind: 'embargoed'; reported: Reported }
  | { kind: 'nothing'; reported: Reported }
  | {
      kind: 'counted';
      reported: Reported;
      rows: Row[];
      ballots: number;
      invalid: number;
      /** What the percentages are of. */
      denominator: number;
      /** Percent of all votes nationwide, where the contest has a threshold. */
      threshold: number | null;
      leader: Leader | null;
    };

export interface Reported {
  precincts: number;
  ofPrecincts: number;
  registered: number;
  ofRegistered: number;
}

export interface Leader {
  option: Option;
  votes: number;
  percent: number;
  /** Points of the denominator between the first and the second; votes likewise. */
  margin: number;
  marginVotes: number;
  /** As many votes as another option: nobody leads. */
  tied: boolean;
}

/** What a contest stands at in one unit, by one source. */
export function standing(contest: Contest, count: ContestCount | undefined, source: Source): Standing {
  const figures = count?.[source];
  const reported: Reported = {
    precincts: figures?.precincts ?? 0,
    ofPrecincts: count?.precincts ?? 0,
    registered: figures?.registered ?? 0,
    ofRegistered: count?.registered ?? 0,
  };
  if (!figures) return { kind: 'nothing', reported };
  if (figures.votes === undefined || figures.ballots === undefined) return { kind: 'embargoed', reported };
  const { ballots, votes, invalid = 0 } = figures;
  if (ballots === 0) return { kind: 'nothing', reported };

  const denominator = contest.share_of === 'valid_votes' ? ballots - invalid : ballots;
  const threshold = contest.threshold?.national ? Number(contest.threshold.national) : null;
  const rows = contest.options
    .map((option): Row => {
      const won = votes[option.id] ?? 0;
      const percent = share(won, denominator);
      return { option, votes: won, percent, belowThreshold: threshold !== null && (percent ?? 0) < threshold };
    })
    .filter((row) => row.option.status === 'active' || row.votes > 0)
    .sort((a, b) => b.votes - a.votes || a.option.number - b.option.number);
  return { kind: 'counted', reported, rows, ballots, invalid, denominator, threshold, leader: leaderOf(rows) };
}

/** Who leads, without ranking the rest: for a map of thousands of units. Null where no votes are known. */
export function leading(contest: Contest, count: ContestCount | undefined, source: Source): Leader | null {
  const figures = count?.[source];
  if (!figures?.votes || !figures.ballots) return null;
  const denominator = contest.share_of === 'valid_votes' ? figures.ballots - (figures.invalid ?? 0) : figures.ballots;
  let [first, most, second]: [Option | null, number, number] = [null, 0, 0];
  for (const option of contest.options) {
    const votes = figures.votes[option.id] ?? 0;
    if (votes > most) [first, most, second] = [option, votes, most];
    else if (votes > second) second = votes;
  }
  const percent = share(most, denominator);
  if (!first || percent === null) return null;
  return {
    option: first,
    votes: most,
    percent,
    margin: percent - (share(second, denominator) ?? 0),
    marginVotes: most - second,
    tied: second === most,
  };
}

function leaderOf(rows: Row[]): Leader | null {
  const [first, second] = rows;
  if (!first || first.votes === 0 || first.percent === null) return null;
  return {
    option: first.option,
    votes: first.votes,
    percent: first.percent,
    margin: first.percent - (second?.percent ?? 0),
    marginVotes: first.votes - (second?.votes ?? 0),
    tied: second !== undefined && second.votes === first.votes,
  };
}

/** Whether every precinct of a contest has reported. */
export function complete(precincts: number, ofPrecincts: number): boolean {
  return ofPrecincts > 0 && precincts === ofPrecincts;
}

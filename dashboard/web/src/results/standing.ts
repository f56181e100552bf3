import type { Contest, ContestCount, Option, Source, Unit } from '../feed/types';
import { share } from '../i18n/numbers';

/** One option's row: counts, and the one percentage computed from the counts beside it. */
export interface Row {
  option: Option;
  votes: number;
  /** Percent of the contest's denominator; null where nothing is counted. */
  percent: number | null;
  /** Below a threshold that decides; "against all" neither passes nor fails. */
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
      threshold: Threshold | null;
      leader: Leader | null;
    };

export interface Progress {
  precincts: number;
  ofPrecincts: number;
}

export interface Reported extends Progress {
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

/** A line on the bars of a unit. */
export interface Threshold {
  percent: number;
  /** Whether it is met or missed by these very shares; in a region it is one of several that a list must meet. */
  decides: boolean;
}

/** The threshold that a unit's shares are measured by: the national one holds in the whole of the contest's unit only. */
export function thresholdIn(contest: Contest, unit: Pick<Unit, 'id' | 'kind'>): Threshold | null {
  const at = (text: string | null | undefined, decides: boolean) => (text ? { percent: Number(text), decides } : null);
  if (unit.id === contest.unit) return at(contest.threshold?.national, true);
  return unit.kind === 'region' ? at(contest.threshold?.regional, false) : null;
}

const excluded = (contest: Contest, option: Option) => contest.withdrawn_votes === 'excluded' && option.status === 'withdrawn';

/** What percentages are of: all ballots or the valid ones, without the votes that the law leaves out. */
function denominatorOf(contest: Contest, ballots: number, invalid: number, votes: Record<string, number>): number {
  // No option is looked at where the law leaves none out: this is asked for thousands of precincts at once.
  const out = contest.withdrawn_votes !== 'excluded' ? 0 : contest.options.reduce((sum, option) => sum + (excluded(contest, option) ? (votes[option.id] ?? 0) : 0), 0);
  return ballots - (contest.share_of === 'valid_votes' ? invalid : 0) - out;
}

/** What a contest stands at in one unit, by one source. */
export function standing(
  contest: Contest,
  count: ContestCount | undefined,
  source: Source,
  threshold: Threshold | null = null,
): Standing {
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

  const denominator = denominatorOf(contest, ballots, invalid, votes);
  const rows = contest.options
    .map((option): Row => {
      const won = votes[option.id] ?? 0;
      const percent = excluded(contest, option) ? null : share(won, denominator);
      return { option, votes: won, percent, belowThreshold: below(option, percent, threshold) };
    })
    .filter((row) => row.option.status === 'active' || row.votes > 0)
    .sort((a, b) => b.votes - a.votes || a.option.number - b.option.number);
  const leader = leaderOf(rows);
  // Beside those that pass and those that do not stands what can do neither.
  if (threshold?.decides) rows.sort((a, b) => rankOf(a) - rankOf(b));
  return { kind: 'counted', reported, rows, ballots, invalid, denominator, threshold, leader };
}

function below(option: Option, percent: number | null, threshold: Threshold | null): boolean {
  return threshold !== null && threshold.decides && option.kind !== 'against_all' && (percent ?? 0) < threshold.percent;
}

function rankOf({ option, belowThreshold }: Row): number {
  return option.kind === 'against_all' ? 2 : belowThreshold ? 1 : 0;
}

/**
 * How much of a unit has reported by whichever source, where urns and commissions together reach every precinct. A
 * whole country's contest is in when the unit is; a district's is in no less than by either source alone.
 */
export function reportedOf(unit: Unit, contest: Contest): Progress {
  if (contest.scope === 'country') return { precincts: unit.reported.precincts, ofPrecincts: unit.precincts };
  const count = unit.contests[contest.id];
  if (!count) return { precincts: 0, ofPrecincts: 0 };
  const whole = count.precincts === unit.precincts ? unit.reported.precincts : 0;
  return {
    precincts: Math.max(whole, count.urns.precincts, count.protocols.precincts),
    ofPrecincts: count.precincts,
  };
}

/** Who leads, without ranking the rest: for a map of thousands of units. Null where no votes are known. */
export function leading(contest: Contest, count: ContestCount | undefined, source: Source): Leader | null {
  const figures = count?.[source];
  if (!figures?.votes || !figures.ballots) return null;
  const denominator = denominatorOf(contest, figures.ballots, figures.invalid ?? 0, figures.votes);
  let [first, most, second]: [Option | null, number, number] = [null, 0, 0];
  for (const option of contest.options) {
    if (excluded(contest, option)) continue;
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

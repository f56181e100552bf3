import type { Allocation, Hurdle, SeatsOfOption, Tie } from '../feed/allocation';
import type { Contest, Option } from '../feed/types';

/** One option with its seats, as the table and the chamber have it. */
export interface SeatRow extends SeatsOfOption {
  of: Option;
}

/** What a place in the chamber stands for. */
export type PlaceKind =
  /** Its holder cannot lose it by any ballot still to come. */
  | 'certain'
  /** It may still change. */
  | 'open';

export interface Block {
  row: SeatRow;
  kinds: PlaceKind[];
}

/** Everything of a list's seats by quota that can be checked by hand. */
export interface QuotaRow {
  row: SeatRow;
  /** Seats for whole quotas. */
  whole: number;
  /** Votes left over, with a fraction. */
  remainder: number;
  /** Whether the remainder gave it one seat more. */
  byRemainder: boolean;
}

/** Options with the definition's names, most seats first, then votes, then the ballot's order. */
export function seatRows(contest: Contest, allocation: Allocation): SeatRow[] {
  const options = new Map(contest.options.map((option) => [option.id, option]));
  return allocation.options
    .flatMap((each) => {
      const of = options.get(each.option);
      return of ? [{ ...each, of }] : [];
    })
    .sort((a, b) => b.seats - a.seats || b.votes - a.votes || a.of.number - b.of.number);
}

/** The chamber from left to right: each option's places, the certain ones first. Vacant and tied places come after all. */
export function blocks(rows: SeatRow[]): Block[] {
  return rows
    .filter((row) => row.seats > 0)
    .map((row) => ({
      row,
      kinds: Array.from({ length: row.seats }, (_, at) => (at < row.seats_least ? 'certain' : 'open')),
    }));
}

/** The places that nobody has by votes: they hang on lots, or stay empty. */
export function unfilled(allocation: Allocation): { lots: number; vacant: number } {
  const taken = allocation.options.reduce((sum, option) => sum + option.seats, 0);
  const lots = allocation.ties.filter(({ place }) => place === 'seats').reduce((sum, tie) => sum + tie.seats, 0);
  return { lots, vacant: Math.max(0, allocation.seats - taken - lots) };
}

/** The quota's arithmetic; nothing where another method is used, or where a cap has moved seats. */
export function quotaRows(allocation: Allocation, rows: SeatRow[]): QuotaRow[] {
  const { quota } = allocation;
  if (!quota) return [];
  return rows
    .filter((row) => row.standing === 'in')
    .map((row) => {
      const whole = Number((BigInt(row.votes) * BigInt(quota.denominator)) / BigInt(quota.numerator));
      const { remainder } = row;
      return {
        row,
        whole,
        remainder: remainder && remainder.denominator > 0 ? remainder.numerator / remainder.denominator : 0,
        byRemainder: row.seats === whole + 1,
      };
    })
    .sort((a, b) => b.row.votes - a.row.votes || a.row.of.number - b.row.of.number);
}

/** Whether a cap has moved seats, so that they no longer follow from quotas alone. */
export function capped({ seat_cap }: Allocation, rows: QuotaRow[]): boolean {
  return seat_cap !== null && rows.some(({ row, whole }) => row.seats < whole || row.seats > whole + 1);
}

/** The thresholds of a list: the whole country's, and how many of the regions' are met. */
export interface Thresholds {
  national: Hurdle | null;
  regions: { met: number; all: number; missed: Hurdle[] } | null;
}

export function thresholds(contest: Contest, option: SeatsOfOption): Thresholds {
  const national = option.thresholds.find((each) => each.unit === contest.unit) ?? null;
  const regions = option.thresholds.filter((each) => each.unit !== contest.unit);
  const missed = regions.filter((each) => !each.met);
  return {
    national,
    regions: regions.length > 0 ? { met: regions.length - missed.length, all: regions.length, missed } : null,
  };
}

/** Percent as a number; null where there is no whole. */
export function percentOf({ numerator, denominator }: { numerator: number; denominator: number }): number | null {
  return denominator > 0 ? (100 * numerator) / denominator : null;
}

/** Those passed over because of their sex: more votes than somebody who has a seat, and none of their own. */
export function passedOver(allocation: Allocation, rows: SeatRow[]): SeatRow[] {
  if (allocation.rules.max_one_sex === null || allocation.ties.length > 0) return [];
  const least = Math.min(...rows.filter((row) => row.seats > 0).map((row) => row.votes));
  return rows.filter((row) => row.standing === 'in' && row.seats === 0 && row.votes > 0 && row.votes > least);
}

/**
 * The lots to speak of: those for seats always, those within a list only when no vote is still to come, since equal
 * preference votes come and go while ballots are counted.
 */
export function lotsToDraw({ ties, reported }: Allocation): Tie[] {
  return ties.filter(({ list }) => list === null || reported.outstanding === 0);
}

import type { Contest, Count, Discrepancy, ObserversCopy, Option, Place, Unit } from '../feed/types';

export type SourceName = 'identified' | 'urns' | 'protocol' | 'observers';
/** Those that others are compared with. */
export type Base = Exclude<SourceName, 'observers'>;

/** How a source stands to the one that it must agree with. */
export type Agreement =
  /** Others are compared with it. */
  | { kind: 'base' }
  /** It has not come, or not whole, or may not be shown, so that there is nothing to compare. */
  | { kind: 'waiting' | 'partial' | 'embargo' | 'none' | 'byHand' }
  | { kind: 'agrees'; with: Base }
  /** Another count, but no rule is broken. */
  | { kind: 'within'; with: Base; by: number }
  /** `by` is of the totals; `lines` how many lines differ where they are compared one by one. */
  | { kind: 'differs'; with: Base; by: number; lines: number };

export interface SourceRow {
  source: SourceName;
  /** Who holds it, of observers' copies. */
  holder: string | null;
  total: number | null;
  valid: number | null;
  invalid: number | null;
  agreement: Agreement;
  /** The rules that this comparison breaks. */
  codes: string[];
}

/** Rules that compare a source with another. */
const RULES: Record<SourceName, string[]> = {
  identified: ['W05', 'W08'],
  urns: ['W01', 'W02', 'W04', 'W11', 'W12'],
  protocol: ['W07'],
  observers: ['W13'],
};

/** The four sources of one contest in one precinct, each against the one that it must agree with. */
export function reconcile(
  unit: Unit,
  contest: Contest,
  place: Place | undefined,
  flags: Discrepancy[],
  copies: ObserversCopy[] = [],
): SourceRow[] {
  const count = unit.contests[contest.id];
  const identified = unit.turnout.precincts > 0 ? unit.turnout.identified : null;
  const { urns, protocols: protocol } = count ?? {};
  const open = flags.filter((flag) => flag.contest === null || flag.contest === contest.id);
  const row = (source: SourceName, figures: Count | undefined, agreement: Agreement): SourceRow => {
    const total = figures?.ballots !== undefined && shown(agreement) ? figures.ballots : null;
    const invalid = total === null ? null : (figures?.invalid ?? 0);
    const valid = total === null || invalid === null ? null : total - invalid;
    return { source, holder: null, total, valid, invalid, agreement, codes: codesOf(source, open) };
  };
  const against = protocol && protocol.precincts > 0 ? ('protocol' as const) : ('urns' as const);
  const copied = copies.map(({ holder, ...figures }): SourceRow => {
    const copy: Count = { precincts: 1, registered: 0, ...figures };
    const agreement = lineByLine(copy, against === 'protocol' ? protocol : urns, against);
    const told = row('observers', copy, agreement);
    return { ...told, holder, codes: agreement.kind === 'differs' ? told.codes : [] };
  });
  const terminals: SourceRow = {
    source: 'identified',
    holder: null,
    total: identified,
    valid: null,
    invalid: null,
    agreement: { kind: identified === null ? 'waiting' : 'base' },
    codes: codesOf('identified', open),
  };
  return [
    terminals,
    row('urns', urns, urnsAgainst(urns, identified, place, open)),
    row('protocol', protocol, protocolAgainst(protocol, urns, identified, open)),
    ...(copied.length > 0 ? copied : [row('observers', undefined, { kind: 'none' })]),
  ];
}

function shown({ kind }: Agreement): boolean {
  return kind !== 'waiting' && kind !== 'embargo' && kind !== 'none' && kind !== 'byHand';
}

function codesOf(source: SourceName, flags: Discrepancy[]): string[] {
  return [...new Set(flags.map(({ code }) => code).filter((code) => RULES[source].includes(code)))].sort();
}

function urnsAgainst(urns: Count | undefined, identified: number | null, place: Place | undefined, flags: Discrepancy[]): Agreement {
  if (place?.count === 'manual') return { kind: 'byHand' };
  if (!urns || (urns.precincts === 0 && !urns.ballots)) return { kind: 'waiting' };
  if (urns.ballots === undefined) return { kind: 'embargo' };
  if (urns.precincts === 0) return { kind: 'partial' };
  return total(urns.ballots, identified, flags);
}

/** A protocol is compared with the urns line by line; where there are none, its total with the identified voters. */
function protocolAgainst(protocol: Count | undefined, urns: Count | undefined, identified: number | null, flags: Discrepancy[]): Agreement {
  if (!protocol || protocol.precincts === 0) return { kind: 'waiting' };
  if (protocol.ballots === undefined) return { kind: 'embargo' };
  return urns && urns.precincts > 0 ? lineByLine(protocol, urns, 'urns') : total(protocol.ballots, identified, flags);
}

function total(ballots: number, identified: number | null, flags: Discrepancy[]): Agreement {
  if (identified === null) return { kind: 'partial' };
  const by = Math.abs(ballots - identified);
  if (by === 0) return { kind: 'agrees', with: 'identified' };
  const broken = flags.some(({ code }) => code === 'W01' || code === 'W02');
  return broken || ballots > identified
    ? { kind: 'differs', with: 'identified', by, lines: 0 }
    : { kind: 'within', with: 'identified', by };
}

function lineByLine(one: Count, other: Count | undefined, name: Base): Agreement {
  if (other?.ballots === undefined || one.ballots === undefined) return { kind: 'partial' };
  const lines = differing(one, other);
  return lines === 0
    ? { kind: 'agrees', with: name }
    : { kind: 'differs', with: name, by: Math.abs(one.ballots - other.ballots), lines };
}

function differing(one: Count, other: Count): number {
  const options = new Set([...Object.keys(one.votes ?? {}), ...Object.keys(other.votes ?? {})]);
  const votes = [...options].filter((id) => (one.votes?.[id] ?? 0) !== (other.votes?.[id] ?? 0)).length;
  return votes + Number(one.ballots !== other.ballots) + Number((one.invalid ?? 0) !== (other.invalid ?? 0));
}

/** One line of a ballot's count by both sources. */
export interface Line {
  option: Option | null;
  urns: number;
  protocol: number;
}

/** Urns and protocol line by line, in the ballot's order, the invalid ones last; empty until both are in. */
export function lines(unit: Unit, contest: Contest): Line[] {
  const { urns, protocols: protocol } = unit.contests[contest.id] ?? {};
  if (!urns?.votes || !protocol?.votes || urns.precincts === 0 || protocol.precincts === 0) return [];
  const [byUrns, byHand] = [urns.votes, protocol.votes];
  const options = contest.options.map((option) => ({ option, urns: byUrns[option.id] ?? 0, protocol: byHand[option.id] ?? 0 }));
  return [
    ...options.filter(({ option, urns, protocol }) => option.status === 'active' || urns > 0 || protocol > 0),
    { option: null, urns: urns.invalid ?? 0, protocol: protocol.invalid ?? 0 },
  ];
}

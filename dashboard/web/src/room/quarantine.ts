import type { QuarantinedReport } from '../feed/lists';

/** Of these the figures do not add up: they can only be refused (PROTOCOL §2, Codes). */
const ONLY_REFUSED = ['Q02', 'Q07', 'Q08'];

/** What is decided about, of all that is kept back. */
export interface Choice {
  inView: QuarantinedReport[];
  /** Only what is seen is decided about. */
  selected: QuarantinedReport[];
  /** What the filter hides stays chosen, and is said to be left out. */
  hidden: number;
  /** In so many precincts. */
  precincts: number[];
  /** How many of those selected break each rule, by its code. */
  rules: [code: string, reports: number][];
  /** Whether one of them can only be refused. */
  unsound: boolean;
}

/** `code` is the rule of the filter, `chosen` the offsets of what was ticked. */
export function choiceOf(reports: QuarantinedReport[], code: string | null, chosen: ReadonlySet<number>): Choice {
  const inView = reports.filter((report) => code === null || report.codes.includes(code));
  const selected = inView.filter(({ offset }) => chosen.has(offset));
  return {
    inView,
    selected,
    hidden: reports.filter(({ offset }) => chosen.has(offset)).length - selected.length,
    precincts: [...new Set(selected.map(({ precinct }) => precinct))],
    rules: codesOf(selected).map((each) => [each, selected.filter(({ codes }) => codes.includes(each)).length]),
    unsound: selected.some(({ codes }) => codes.some((each) => ONLY_REFUSED.includes(each))),
  };
}

/** The rules that some of the reports break. */
export const codesOf = (reports: QuarantinedReport[]) => [...new Set(reports.flatMap(({ codes }) => codes))].sort();

import type { DeviceReport, Phase, Unit } from '../feed/types';

/** What a decision will do, told before it is taken. */
export interface Consequence {
  /** In sentences. */
  does: string[];
  /** Figures as they stand, and as they will; null where nobody can say. */
  figures?: { name: string; now: string; then: string | null }[];
  /** What is to be typed before it can be taken. */
  typed?: { label: string; text: string };
  /** The figures from which this follows, in any form. Where they are others once it is confirmed, nothing is sent, and this is said. */
  stands?: { figures: string; otherwise: string };
}

export type UnitAct = 'certify' | 'uncertify' | 'annul' | 'reinstate';

/** Whether the number of precincts is to be typed: what takes many figures away, or opens them again, is not done by two presses of one button. */
export function wantsNumber(act: UnitAct | 'release' | 'refuse', precincts: number): boolean {
  return precincts > 1 && (act === 'annul' || act === 'uncertify' || act === 'refuse');
}

/** What a device has sent and was counted. */
export function acceptedOf(reports: DeviceReport[], device: string): number {
  return reports.filter((report) => report.device === device && report.verdict === 'accepted').length;
}

/** Whether a precinct in this phase is meant at all: the others are passed over, as by the service. */
const CONCERNS: Record<UnitAct, (phase: Phase) => boolean> = {
  certify: (phase) => phase !== 'certified' && phase !== 'annulled',
  uncertify: (phase) => phase === 'certified',
  annul: (phase) => phase !== 'annulled',
  reinstate: (phase) => phase === 'annulled',
};

/** What a decision about a unit is about. */
export interface Extent {
  /** Precincts that it is about, and all of the unit. */
  concerned: number;
  of: number;
  /** Of those concerned, the ones that cannot be certified yet. */
  unready: number;
  /** The precincts concerned. */
  ids: string[];
  /** Ballots that the precincts concerned have in the sums, by source. */
  ballots: { urns: number; protocols: number };
}

/** Ballots of a unit by one source: of all its contests, or of those that are named. */
export function ballotsOf(unit: Unit, source: 'urns' | 'protocols', contests = Object.keys(unit.contests)): number {
  return contests.reduce((sum, id) => sum + (unit.contests[id]?.[source].ballots ?? 0), 0);
}

/** `contests` are those of the unit itself: a region's sums hold no ballots of the districts'. */
export function extentOf(act: UnitAct, precincts: Unit[], contests: string[]): Extent {
  const concerned = precincts.filter(({ phase }) => CONCERNS[act](phase));
  const sum = (source: 'urns' | 'protocols') => concerned.reduce((all, unit) => all + ballotsOf(unit, source, contests), 0);
  return {
    concerned: concerned.length,
    of: precincts.length,
    unready: concerned.filter(({ phase, quarantined }) => phase !== 'reported' || quarantined > 0).length,
    ids: concerned.map(({ id }) => id).sort(),
    ballots: { urns: sum('urns'), protocols: sum('protocols') },
  };
}

/** Where the precincts of a unit are read, below the election's address. */
export function precinctsOf(unit: string): string {
  const [kind = '', name = ''] = unit.split(':');
  return kind === 'region' || kind === 'raion' || kind === 'district' ? `/precincts?${kind}=${name}` : '/precincts';
}

/** Of precincts that were read for a unit, those that are in it. */
export function within(unit: string, precincts: Unit[]): Unit[] {
  if (unit === 'abroad') return precincts.filter(({ parent }) => parent === 'abroad');
  return unit.startsWith('precinct:') ? precincts.filter(({ id }) => id === unit) : precincts;
}

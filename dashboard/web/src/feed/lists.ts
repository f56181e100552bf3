import type { Drawn } from './allocation';
import type { DeviceReport, Header, Phase } from './types';

/** The shapes of the public lists. Decisions stand beside what they decided once there is one. */

export interface MissingPrecinct {
  precinct: number;
  parent: string;
  phase: Phase;
  registered: number;
  urns: number;
  urns_reported: number;
  terminals: number;
  closings: number;
}

export interface MissingAnswer extends Header {
  precincts: MissingPrecinct[];
}

/** What people decided: the act by its name in the record, the person, the reason, the time. */
export interface Decided {
  act?: string;
  by?: string;
  reason?: string;
  at?: string;
}

export interface QuarantinedReport {
  offset: number;
  precinct: number;
  device: string;
  seq: number;
  type: DeviceReport['type'];
  codes: string[];
  arrived: string;
  decision?: Decided | null;
}

export interface QuarantineAnswer extends Header {
  reports: QuarantinedReport[];
  /** Of all that are kept back. */
  total?: number;
  /** After which report the next page begins; null on the last. */
  next?: number | null;
}

/** Any figures, as deep as they are. */
export type Figures = number | string | boolean | null | Figures[] | { [name: string]: Figures };

export interface Correction extends Decided {
  /** The precinct decided on; `units` are it and all above it. */
  precinct?: number;
  units: string[];
  reason: string;
  at: string;
  position: string;
  before?: Figures;
  after?: Figures;
}

export interface CorrectionsAnswer extends Header {
  corrections: Correction[];
  lots: Drawn[];
}
